#!/bin/sh
# Runs as root inside the tree of a host image, after its packages are there: makes a machine of it, and makes it small.
set -e
# Emptied, so that each host gets its own at its first start.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
# Units that only make sense on real hardware or a real disk, and those that would work behind a test's back.
for unit in dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service systemd-remount-fs.service \
  systemd-modules-load.service systemd-sysctl.service systemd-udevd.service systemd-udev-trigger.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-networkd.service systemd-networkd.socket \
  systemd-resolved.service systemd-timesyncd.service systemd-logind.service systemd-pcrphase.service \
  systemd-pcrphase-sysinit.service modprobe@.service getty@.service console-getty.service getty.target \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  motd-news.timer man-db.timer; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
# The journal outlives a restart of the host, as on a server, and stays small.
mkdir -p /var/log/journal /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=persistent\nSystemMaxUse=32M\nRateLimitBurst=0\n' > /etc/systemd/journald.conf.d/lab.conf
chmod 0755 /
# Tools of the Engine that nothing here runs.
rm -f /usr/bin/dnet /usr/sbin/ovrouter /usr/bin/ctr /usr/bin/containerd-shim /usr/bin/containerd-shim-runc-v1
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /usr/share/man/* /usr/share/doc/* /usr/share/info/* /usr/share/locale/* \
  /var/cache/debconf/* /var/log/bootstrap.log /var/log/dpkg.log /var/log/apt
