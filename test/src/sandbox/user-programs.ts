import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP = "root:x:0:\nvideo:x:44:\nrender:x:109:\nnogroup:x:65534:\n";

/** A machine's users, and the programs that change them: files below its root, so that no rights are needed. */
export function writeUserPrograms(root: string): void {
  write(join(root, "etc/passwd"), PASSWD, 0o644);
  write(join(root, "etc/group"), GROUP, 0o644);
  write(join(root, "usr/sbin/useradd"), useradd(root), 0o755);
  write(join(root, "usr/sbin/usermod"), usermod(root), 0o755);
  // Owners are left as they are: see the sandbox's files.
  write(join(root, "usr/bin/chown"), "#!/bin/sh\nexit 0\n", 0o755);
}

function useradd(root: string): string {
  return `#!/bin/sh
home=/home
while [ $# -gt 1 ]; do
  case "$1" in -d) home="$2"; shift ;; -s | -g) shift ;; esac
  shift
done
if grep -q "^$1:" '${root}/etc/passwd'; then
  echo "useradd: user '$1' already exists" >&2
  exit 9
fi
echo "$1:x:998:998::$home:/bin/false" >>'${root}/etc/passwd'
grep -q "^$1:" '${root}/etc/group' || echo "$1:x:998:" >>'${root}/etc/group'
mkdir -p '${root}'"$home"
`;
}

function usermod(root: string): string {
  return `#!/bin/sh
[ "$1" = -aG ] && sed -i "/^$2:/s/\\$/,$3/" '${root}/etc/group'
`;
}

function write(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}
