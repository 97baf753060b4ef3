# shellcheck shell=sh
# What a machine with a card that has no driver yet finds: its distribution's driver as packages that hold next to nothing,
# in a source on its own disk, and a modprobe that gets nowhere before a reboot, as where another driver holds the card.
: "${kernel:?the kernel that the modules are for}"
mkdir -p /srv/driver
cat >/usr/sbin/modprobe <<'END'
#!/bin/sh
[ ! -e /run/lab-nvidia ] || exit 0
echo "modprobe: ERROR: could not insert 'nvidia': No such device" >&2
exit 1
END
cat >/srv/nvidia-smi <<'END'
#!/bin/sh
if [ -e /run/lab-nvidia ]; then
  echo "0, GPU-6a1b2c3d-0000-4000-8000-123456789abc, Tesla T4, 570.133.20, 15360, 0, 0, 40, 10.00, 7.5"
else
  echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."
  exit 9
fi
END
chmod 755 /usr/sbin/modprobe

# package NAME [PROGRAM]
package() {
  root=/srv/root
  rm -rf $root
  mkdir -p $root/DEBIAN
  printf 'Package: %s\nVersion: 570.133.20-1\nArchitecture: all\nMaintainer: lab <lab@example.com>\nDescription: stand-in\n' \
    "$1" >$root/DEBIAN/control
  if [ $# -gt 1 ]; then install -D -m 755 "$2" "$root/usr/bin/$(basename "$2")"; fi
  dpkg-deb --build --root-owner-group $root "/srv/driver/$1.deb" >/dev/null
}

# Debian's names, and Ubuntu's.
for name in nvidia-driver libcuda1 nvidia-persistenced nvidia-driver-570-server nvidia-headless-no-dkms-570-server \
  "linux-headers-$kernel" "linux-modules-nvidia-570-server-$kernel"; do
  package "$name"
done
for name in nvidia-smi nvidia-utils-570-server; do package $name /srv/nvidia-smi; done
cd /srv/driver || exit 1
for deb in *.deb; do
  dpkg-deb --field "$deb"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done >Packages
echo 'deb [trusted=yes] file:/srv/driver ./' >>/etc/apt/sources.list
