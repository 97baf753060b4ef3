export interface FirstBoot {
  readonly node: string;
  readonly roles: readonly string[];
  /** `sha256//…` */
  readonly pin: string;
  /** Of the install script. */
  readonly url: string;
  readonly token: string;
  /** The token's id, which is no secret. */
  readonly id: string;
  /** Until when the token is good, as people read it. */
  readonly until: string;
}

/** How long a coordinator that cannot be reached, and whatever else may come right, is tried again. */
const TRIES_S = 1_800;

/**
 * A machine's first boot: a plain sh script, which cloud-init runs as user-data on AWS, and Google's agent as the start-up
 * script on GCP, whose Debian images have no cloud-init. Google's runs it at each boot: once it is through, it ends at once
 * for this token; a disk that was copied from another machine comes with another's, and is taken in. The token goes to a
 * file in memory that root alone can read; it is in no program's arguments. One that will never do is not tried again.
 */
export function userData({ node, roles, pin, url, token, id, until }: FirstBoot): string {
  const driver = roles.includes("ollama") ? " --driver-install" : "";
  return `#!/bin/sh
# Fettle: takes this machine into its stack as ${node} (${roles.join(", ")}).
# The token in here is good once, until ${until}, for the first machine that uses it.
main() {
  set -eu
  umask 077
  # Which token this was through with; a boot that was cut short is taken up by the next.
  through=/var/lib/fettle-agent/first-boot
  [ "$(cat "$through" 2>/dev/null)" != ${id} ] || exit 0
  folder=$(mktemp -d /run/fettle-first-boot.XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  printf %s '${token}' >"$folder/token"
  end=$(($(uptime_s) + ${TRIES_S}))
  while :; do
    code=0
    install_agent || code=$?
    [ "$code" != 0 ] || break
    [ "$code" != 3 ] || exit 1
    if [ "$(uptime_s)" -ge "$end" ]; then
      echo "Fettle: not installed after ${TRIES_S / 60} minutes; see above. To try again: sudo sh $0, or a reboot on GCP."
      exit 1
    fi
    sleep 10
  done
  echo ${id} >"$through"
}

# A clock may be set at first boot; this one is not.
uptime_s() {
  cut -d . -f 1 /proc/uptime
}

install_agent() {
  command -v curl >/dev/null || { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y curl; } || return 1
  curl -q -fsSk --noproxy '*' --connect-timeout 10 --max-time 60 --pinnedpubkey '${pin}' \\
    -o "$folder/install.sh" '${url}' &&
    sh "$folder/install.sh" --token-file "$folder/token"${driver}
}

{ main "$@"; }
`;
}
