#!/bin/sh
# The first process of a lab host: what a machine's firmware and boot loader would have settled, then systemd.
set -e
# Containers share the kernel's boot id. A machine has its own, and a new one after every boot.
cat /proc/sys/kernel/random/uuid > /run/boot-id
mount --bind /run/boot-id /proc/sys/kernel/random/boot_id
rm /run/boot-id
# Nothing leaves the lab. The network sees to that; without a way out a program is told so at once.
ip route del default 2>/dev/null || true
# With control groups v2 the Engine mounts the tree read-only into containers that are not privileged.
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then mount -o remount,rw /sys/fs/cgroup; fi
# Newer Engines (26 and later) give no container a network where they cannot set its kernel's parameters.
mount -o remount,rw /proc/sys 2>/dev/null || true
# The lab's own certificate authority is among those that the host trusts, before any service starts.
if [ -e /usr/local/share/ca-certificates/lab.crt ] && [ ! -e /etc/ssl/certs/lab.pem ]; then update-ca-certificates; fi
# A machine of a cloud has firmware that names it.
if [ -x /etc/lab-firmware/start ]; then /etc/lab-firmware/start; fi
# systemd 256 and 257 start with control groups v1 only when this is on the command line; others pass over it.
exec /lib/systemd/systemd SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1
