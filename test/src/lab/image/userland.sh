#!/bin/sh
# Prints a tar with the smallest tree that Node, curl and a shell run in, taken from the system this runs in.
# /node is the Node binary that goes into it.
set -e
root=/userland
mkdir -p $root/usr/bin $root/usr/local/bin $root/usr/lib $root/etc/ssl/certs $root/tmp $root/home/aigateway $root/app
for link in bin lib lib64; do
  if [ -L /$link ]; then
    mkdir -p "$root/$(readlink /$link)"
    ln -s "$(readlink /$link)" $root/$link
  fi
done
cp /node $root/usr/local/bin/node
programs="sh curl cat cp chmod date env false find grep head id ls mkdir mv printenv rm sed sleep tail tr true uname wc whoami"
for program in $programs; do cp -L "/usr/bin/$program" $root/usr/bin/; done
# Libraries of all of them, in their own folders; those that libc opens by name while it runs come with libc itself.
for file in $root/usr/local/bin/node $root/usr/bin/*; do
  ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true
done | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp /etc/ssl/certs/ca-certificates.crt $root/etc/ssl/certs/
cp /etc/os-release $root/etc/os-release
printf 'root:x:0:0:root:/root:/bin/sh\naigateway:x:1000:1000::/home/aigateway:/bin/sh\n' > $root/etc/passwd
printf 'root:x:0:\naigateway:x:1000:\n' > $root/etc/group
printf 'hosts: files dns\n' > $root/etc/nsswitch.conf
chmod 1777 $root/tmp
chown 1000:1000 $root/home/aigateway
tar --create --sort=name --mtime=@0 --numeric-owner --directory $root .
