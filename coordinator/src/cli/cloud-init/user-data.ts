export interface FirstBoot {
  readonly node: string;
  readonly roles: readonly string[];
  /** `sha256//…` */
  readonly pin: string;
  /** Of the install script. */
  readonly url: string;
  readonly token: string;
  /** Until when the token is good, as people read it. */
  readonly until: string;
}

/**
 * A machine's first boot: a plain sh script, which cloud-init runs as user-data on AWS, and Google's agent as the start-up
 * script on GCP, whose Debian images have no cloud-init. Google's runs it at each boot: enrolled, it ends at once. The
 * token goes to a file in memory that root alone can read; it is in no program's arguments.
 */
export function userData({ node, roles, pin, url, token, until }: FirstBoot): string {
  const driver = roles.includes("ollama") ? " --driver-install" : "";
  return `#!/bin/sh
# Fettle: takes this machine into its stack as ${node} (${roles.join(", ")}).
# The token in here is good once, until ${until}, for the first machine that uses it.
main() {
  set -eu
  umask 077
  [ ! -e /var/lib/fettle-agent/identity/identity.json ] || exit 0
  folder=$(mktemp -d /run/fettle-first-boot.XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  printf %s '${token}' >"$folder/token"
  command -v curl >/dev/null || { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y curl; }
  attempt=1
  until install_agent; do
    [ "$attempt" -lt 60 ] || exit 1
    attempt=$((attempt + 1))
    sleep 10
  done
}

install_agent() {
  curl -q -fsSk --noproxy '*' --connect-timeout 10 --max-time 60 --pinnedpubkey '${pin}' \\
    -o "$folder/install.sh" '${url}' &&
    sh "$folder/install.sh" --token-file "$folder/token"${driver}
}

{ main "$@"; }
`;
}
