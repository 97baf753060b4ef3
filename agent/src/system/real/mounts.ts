/** File systems on a disk of this machine. Network ones are left out: a look at a dead one hangs. */
const ON_DISK = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "reiserfs"]);

/**
 * Mount points of /proc/self/mountinfo, one for each disk (bind mounts show it again): the shortest path. `/` is
 * always there, whatever it is made of, because something fills it.
 */
export function parseMounts(mountinfo: string): readonly string[] {
  const byDevice = new Map<string, string>();
  for (const line of mountinfo.split("\n")) {
    // 36 35 98:0 /root /mount/point options … - type source super-options
    const [before = "", after = ""] = line.split(" - ");
    const [, , device, , mount] = before.split(" ");
    const [type = ""] = after.split(" ");
    if (device === undefined || mount === undefined || !(ON_DISK.has(type) || mount === "/")) continue;
    const known = byDevice.get(device);
    if (known === undefined || mount.length < known.length) byDevice.set(device, mount);
  }
  return [...byDevice.values()].map(plain);
}

/** The kernel writes space, tab, newline and backslash in octal. */
function plain(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
