#!/bin/sh
# What a cloud's hypervisor gives a machine and a container lacks: the fields of its firmware, which systemd, cloud-init and
# the agent read, and a way to the metadata service. Runs before systemd, from /etc/lab-firmware.
set -e
# The Engine lets nothing through to an address that is not of the lab's network.
ip route add 169.254.169.254 dev eth0
nft add table ip lab_metadata
nft add chain ip lab_metadata output '{ type nat hook output priority -100; }'
nft add rule ip lab_metadata output ip daddr 169.254.169.254 dnat to "$(cat /etc/lab-firmware/metadata)"
# Nothing can be made in sysfs, so a layer lies over it.
mkdir -p /run/lab-firmware
mount -t tmpfs tmpfs /run/lab-firmware
cd /run/lab-firmware
mkdir -p class/dmi work
cp -r /etc/lab-firmware/dmi class/dmi/id
mount -t overlay -o lowerdir=/sys/class,upperdir=class,workdir=work overlay /sys/class
# cloud-init looks at no firmware where it finds itself in a container; systemd itself goes by its environment.
mount --bind /dev/null /proc/1/environ
mount --bind /etc/lab-firmware/detect-virt /usr/bin/systemd-detect-virt
# A card, and its driver's module, which is loaded at boot where the driver is.
if [ -d /etc/lab-firmware/pci ]; then
  cp -r /etc/lab-firmware/pci pci
  mkdir pci-work
  mount -t overlay -o lowerdir=/sys/bus/pci/devices,upperdir=pci,workdir=pci-work overlay /sys/bus/pci/devices
  if [ -x /usr/bin/nvidia-smi ]; then : >/run/lab-nvidia; fi
fi
