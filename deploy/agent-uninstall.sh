#!/bin/sh
# Takes Fettle's agent off this machine where its own program does not run any more; `fettle-agent uninstall` comes here
# by itself then. It stops no product, cannot reach GitLab or the coordinator, and says what is left to do there.
set -eu
LC_ALL=C
export LC_ALL

units=/etc/systemd/system
data=/var/lib/fettle-agent
keys=/var/lib/fettle-gateway-keys
drop_in=$units/ollama.service.d/zz-fettle.conf
purge=no dry_run=no yes=no

main() {
  for word in "$@"; do
    case $word in
      --purge-config) purge=yes ;;
      --dry-run) dry_run=yes ;;
      --yes) yes=yes ;;
      *) fail agent.usage "uninstall does not take $word." "It takes --purge-config, --dry-run and --yes." ;;
    esac
  done
  [ "$(id -u)" = 0 ] ||
    fail agent.uninstall-not-root "Only root can take the agent off this machine." "Run it with sudo."
  found=$(present)
  if [ -z "$found" ] && { [ "$purge" = no ] || ! [ -e "$drop_in" ]; }; then
    echo "There is nothing of Fettle's agent on this machine."
    return 0
  fi
  echo "The agent's own program does not run; this goes all the same:"
  printf '%s\n' "$found" | sed 's/^/  /'
  echo "This stays, since the products need it: Ollama and its settings, the gateway's container and its keys ($keys)."
  [ "$purge" = no ] || [ ! -e "$drop_in" ] ||
    echo "--purge-config removes $drop_in: from its next restart on Ollama listens on 127.0.0.1 alone."
  check_token
  [ "$dry_run" = no ] || return 0
  trap '' INT TERM HUP
  stop_units
  keep_keys
  [ "$purge" = no ] || purge_settings
  remove_all "$found"
  rmdir /etc/fettle 2>/dev/null || true
  echo "Fettle's agent is off this machine. The coordinator was not told: on its machine, run: fettle node remove NODE"
}

fail() {
  printf 'fettle-agent: %s\n  %s (%s)\n' "$2" "$3" "$1" >&2
  exit 1
}

# Everything that is the agent's, one path a line, the program last.
present() {
  for path in "$units"/*.wants/fettle-agent*.service "$units"/fettle-agent*.service "$units"/fettle-agent*.service.d \
    /etc/fettle/agent.yaml "$data" /run/fettle-agent /run/fettle-gitlab-token /run/fettle-agent-install /usr/local/bin/fettle-agent \
    /root/fettle-install.sh /home/*/fettle-install.sh /opt/fettle-agent; do
    if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\n' "$path"; fi
  done
}

check_token() {
  [ -e "$data/secrets/gitlab-token.json" ] || return 0
  if [ "$yes" = yes ] || [ "$dry_run" = yes ]; then
    echo "NOT revoked: the GitLab token named fettle. Revoke it by hand, in GitLab under the user's access tokens."
    return 0
  fi
  fail agent.uninstall-token "The GitLab token that Fettle made (fettle) cannot be revoked from here. Nothing was removed." \
    "Install the agent again and uninstall it then; or give --yes and revoke the token by hand in GitLab."
}

stop_units() {
  [ -d /run/systemd/system ] || return 0
  for unit in fettle-agent-guard.service fettle-agent.service; do
    systemctl stop "$unit" 2>/dev/null || true
    systemctl disable --quiet "$unit" 2>/dev/null || true
    systemctl reset-failed "$unit" 2>/dev/null || true
  done
}

keep_keys() {
  for key in "$data"/secrets/gateway-*.pem; do
    [ -e "$key" ] || continue
    [ -d "$keys" ] || mkdir -m 0700 "$keys"
    mv "$key" "$keys/"
  done
}

purge_settings() {
  rm -f "$drop_in"
  rmdir "${drop_in%/*}" 2>/dev/null || true
  echo "What the Docker Engine holds stays: docker ps --all --filter label=dev.fettle.role"
}

remove_all() {
  printf '%s\n' "$1" | while IFS= read -r path; do
    [ -n "$path" ] || continue
    rm -rf -- "$path"
    echo "Removed $path."
  done
  [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

main "$@"
