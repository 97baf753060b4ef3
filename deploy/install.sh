#!/bin/sh
# Installs Fettle's agent on this machine and takes it into a stack. The coordinator serves this file with its address,
# the pin of its key and the sums of its archives filled in; `fettle token create --node NODE` prints the line for it.
# Needs systemd, sh, curl, tar, gzip, sha256sum and coreutils, and nothing else.
#
# All of it is functions, and one compound command on the last line calls main: a download that was cut, wherever, does
# nothing. Until the machine is enrolled, whatever goes wrong (Ctrl-C too) is undone; from there on it stays, since a
# token is good once: the agent goes on trying by itself, and the same command run again goes on where this one ended.

settings() {
  host='@HOST@'
  api_port='@API_PORT@'
  agent_port='@AGENT_PORT@'
  pin='@PIN@'
  coordinator_name='@COORDINATOR_NAME@'
  x64_version='@X64_VERSION@' x64_sha256='@X64_SHA256@' x64_size='@X64_SIZE@'
  arm64_version='@ARM64_VERSION@' arm64_sha256='@ARM64_SHA256@' arm64_size='@ARM64_SIZE@'

  opt=/opt/fettle-agent
  data=/var/lib/fettle-agent
  identity=$data/identity/identity.json
  yaml=/etc/fettle/agent.yaml
  unit=fettle-agent.service
  unit_folder=/etc/systemd/system
  command=/usr/local/bin/fettle-agent
  # A folder of this run alone, in memory; it is the lock too.
  work=/run/fettle-agent-install

  dry_run=no token_file='' mirror=false driver_install=no more_coordinators='' release_keys=''
  enrolled=no installed='' changed=no node='' again=no
  # What undo has to take back; said before it is done, since a signal is heard between any two commands.
  made='' saved_units='' new_units='' switched=no previous='' placing=no was_there=no disabled=no was_active=no
  keep=no child='' reload=no restarted=no enrolling=no mine='' other=''
}

main() {
  set -eu
  umask 022
  LC_ALL=C
  export LC_ALL
  unset FETTLE_AGENT_CONFIG FETTLE_AGENT_DATA FETTLE_AGENT_RUN NODE_OPTIONS TAR_OPTIONS GZIP POSIXLY_CORRECT
  settings
  options "$@"
  started=$(now)
  download_ms=0
  check_filled_in
  check_machine
  begin
  check_paths
  look_around
  if is_done; then
    say "$node runs version $installed and is connected to its coordinator; nothing to do."
    return 0
  fi
  check_space
  check_coordinator
  see_again
  take_token
  program_step
  command_step
  settings_step
  units_step
  enrol_step
  start_step
  if [ "$dry_run" = yes ]; then
    say "Nothing was changed: this was --dry-run."
    return 0
  fi
  await_connection
  keep=yes
  say "$node runs version $version and is connected to its coordinator: $(seconds $(($(now) - started - download_ms))) s, and $(seconds "$download_ms") s for the download."
}

# ---- words -----------------------------------------------------------------------------------------------------------

# What cannot be said, since nobody listens any more, stops nothing.
say() {
  printf '%s\n' "$1" 2>/dev/null || :
}

# fail CODE CAUSE REMEDY [STATUS]
fail() {
  printf 'fettle-install: %s\n  %s (%s)\n' "$2" "$3" "$1" >&2
  exit "${4:-1}"
}

# Whether to do it now; --dry-run only says it.
step() {
  if [ "$dry_run" = yes ]; then
    changed=yes
    say "would $1"
    return 1
  fi
  say "$1"
}

now() {
  date +%s%3N
}

seconds() {
  printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# What others said, as one line that a terminal can bear.
printable() {
  tr '\n\t' '  ' | tr -cd '[:print:]' | cut -c 1-300
}

# The rest of the first line of standard input that begins with $1.
after() {
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      "$1"*)
        printf '%s\n' "${line#"$1"}"
        return 0
        ;;
    esac
  done
}

usage() {
  cat <<'EOF'
Usage: sh fettle-install.sh [OPTIONS], as root; the token comes on standard input, in FETTLE_TOKEN or in a file.

  --token-file FILE    file that holds the token
  --coordinator HOST   one more address of the coordinator for agent.yaml, as HOST or HOST:PORT (the agents' port)
  --mirror             models and the gateway's image may come from the coordinator's mirror
  --driver-install     the GPU driver may be installed, and this machine rebooted for it once, in this first boot
  --release-key KEY    one more key (ed25519, base64) that this machine takes updates from
  --dry-run            say what would be done and change nothing

Through a proxy only when FETTLE_PROXY=URL says so. Run again it changes nothing that is right.
Ends with 0 when the agent is connected, 3 when this token will never do, 1 for everything else.
EOF
}

# ---- options ---------------------------------------------------------------------------------------------------------

options() {
  while [ $# -gt 0 ]; do
    option=$1
    shift
    refuse_token "$option"
    case $option in
      --dry-run) dry_run=yes ;;
      --mirror) mirror=true ;;
      --driver-install) driver_install=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      --token-file | --coordinator | --release-key)
        [ $# -gt 0 ] || fail install.usage "$option needs a value." "See --help."
        refuse_token "$1"
        with_value "$option" "$1"
        shift
        ;;
      *) fail install.usage "There is no option $(printf %s "$option" | printable)." "See --help." ;;
    esac
  done
}

# Everybody on a machine can read the arguments of its programs.
refuse_token() {
  case $1 in
    *fettle1.*)
      fail install.token-in-argv "A token is never an argument: everybody on this machine can read those." \
        "Take that token for known: make a new one (fettle token create), and give it on standard input, in FETTLE_TOKEN or with --token-file FILE."
      ;;
  esac
}

with_value() {
  case $1 in
    --token-file) token_file=$2 ;;
    --coordinator)
      case $2 in
        '' | *[!A-Za-z0-9.:\[\]-]*) fail install.usage "--coordinator takes HOST or HOST:PORT." "See --help." ;;
      esac
      more_coordinators="$more_coordinators $2"
      ;;
    --release-key)
      case $2 in
        '' | *[!A-Za-z0-9+/=]*) fail install.usage "--release-key takes a key in base64." "See --help." ;;
      esac
      release_keys="$release_keys $2"
      ;;
  esac
}

# ---- checks ----------------------------------------------------------------------------------------------------------

check_filled_in() {
  case $api_port in
    '' | *[!0-9]*)
      fail install.not-filled-in "This is the template of the install script." \
        "Take it from a coordinator: fettle token create --node NODE prints the line."
      ;;
  esac
}

check_machine() {
  [ "$(id -u)" = 0 ] || fail install.not-root "This has to run as root." "Put sudo before sh, or become root first."
  kernel=$(uname -s)
  [ "$kernel" = Linux ] || fail install.not-linux "This is $kernel; the agent runs on Linux." "Use a Linux machine with systemd."
  machine=$(uname -m)
  case $machine in
    x86_64) arch=x64 version=$x64_version sha256=$x64_sha256 size=$x64_size ;;
    aarch64) arch=arm64 version=$arm64_version sha256=$arm64_sha256 size=$arm64_size ;;
    *) fail install.architecture "There is no agent for this architecture: $machine." "Use a machine with x86_64 or aarch64." ;;
  esac
  [ -n "$version" ] || fail install.no-archive "The coordinator has no agent for $machine." \
    "Put fettle-agent-VERSION-linux-$arch.tar.gz and its .manifest beside the coordinator's other archives."
  [ -d /run/systemd/system ] || fail install.no-systemd "systemd is not the first process here." \
    "The agent needs a machine with systemd; a container without it is none."
  missing=''
  for tool in curl tar gzip sha256sum systemctl cut date df head mktemp mv readlink sort stat tail tr wc; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  [ -z "$missing" ] || fail install.no-tool "This machine lacks:$missing." "Install them (apt-get install), then run this again."
}

# The lock, and undo at the end whatever the end is.
begin() {
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 131' QUIT
  trap 'exit 143' TERM
  # A reader that has gone (| head -1) would end dash without a word, in the middle of it.
  trap '' PIPE
  mine=$work.$$
  said=$( (umask 077 && rm -rf "$mine" && mkdir "$mine" && : >"$mine/owner-$$") 2>&1) || {
    said=$(printf %s "$said" | printable)
    case $said in
      *'No space left'*) fail install.disk-full "${work%/*} is full: $said" "Make room there, then run this again." ;;
    esac
    fail install.not-writable "$mine cannot be made: $said" "See why, then run this again."
  }
  take_lock || take_dead_lock || fail install.busy "Another install runs on this machine (process $other)." \
    "Wait until it has ended, then run this again. If it is none, remove $work."
}

# In one move, and with the owner's name in it: of two that begin at once one has it, and the other sees which.
take_lock() {
  mv -T "$mine" "$work" 2>/dev/null
}

# A run that is no more has left it: whoever renames the dead one's mark has it, and only one can.
take_dead_lock() {
  other=$(lock_owner)
  if [ -z "$other" ]; then
    rm -rf "$work"
    take_lock
    return
  fi
  if kill -0 "$other" 2>/dev/null; then return 1; fi
  mv -T "$work/owner-$other" "$work/owner-$$" 2>/dev/null || return 1
  for left in "$work"/*; do
    [ "$left" = "$work/owner-$$" ] || rm -rf "$left"
  done
}

# The process that has the lock; nothing where there is none.
lock_owner() {
  for mark in "$work"/owner-*; do
    if [ -e "$mark" ]; then printf '%s\n' "${mark##*-}"; fi
  done
}

check_paths() {
  own_folder "$opt"
  own_folder "$data"
  own_folder /etc/fettle
  if exists "$opt/current" && [ ! -L "$opt/current" ]; then foreign "$opt/current"; fi
  if exists "$yaml"; then
    { [ -f "$yaml" ] && [ ! -L "$yaml" ] && [ "$(stat -c %u "$yaml")" = 0 ]; } || foreign "$yaml"
  fi
  if exists "$command"; then
    case $(readlink "$command" || head -c 1000 "$command" 2>/dev/null | printable) in
      *"$opt/"*) ;;
      *) foreign "$command" ;;
    esac
  fi
  if exists "$unit_folder/$unit"; then
    [ "$(readlink "$unit_folder/$unit" || printf '')" != /dev/null ] || fail install.masked "$unit is masked." \
      "Somebody wanted it never to start. If that is over: systemctl unmask fettle-agent"
    [ -n "$(after 'Description=Fettle' 2>/dev/null <"$unit_folder/$unit")" ] || foreign "$unit_folder/$unit"
  fi
}

exists() {
  [ -e "$1" ] || [ -L "$1" ]
}

own_folder() {
  exists "$1" || return 0
  { [ -d "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %u "$1")" = 0 ]; } || foreign "$1"
}

foreign() {
  fail install.foreign "$1 is there already and is not Fettle's." "See what it belongs to; move it away, then run this again."
}

# Sets installed (the version that current leads to), enrolled, node and was_active.
look_around() {
  if [ -L "$opt/current" ]; then installed=$(basename "$(readlink "$opt/current")"); fi
  if systemctl is-active --quiet "$unit"; then was_active=yes; fi
  [ -e "$identity" ] || return 0
  enrolled=yes
  node=$(json_text node <"$identity")
  theirs=$(json_text coordinatorName <"$identity")
  [ "$theirs" = "$coordinator_name" ] || fail install.other-identity \
    "This machine is $(printf %s "$node" | printable) of another coordinator ($(printf %s "$theirs" | printable))." \
    "Take it out there first: fettle-agent uninstall, and fettle node remove at that coordinator."
  newer "$installed" "$version" || return 0
  say "This machine has version $installed, the coordinator $version: the newer one stays."
  version=$installed
}

json_text() {
  value=$(after "  \"$1\": \"")
  printf '%s\n' "${value%%\"*}"
}

# Whether version $1 is newer than $2.
newer() {
  [ -n "$1" ] && [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]
}

is_done() {
  [ "$enrolled" = yes ] && [ "$installed" = "$version" ] && [ "$was_active" = yes ] || return 1
  systemctl is-enabled --quiet "$unit" && is_connected
}

# Whether a machine that is enrolled may need another token.
see_again() {
  if [ "$enrolled" = yes ] && ! is_connected; then again=yes; fi
}

# As this machine, and not by the identity of one that this is a copy of.
is_connected() {
  ask_agent
  [ "$link$copy" = connectedno ]
}

# Sets link (the running agent's `link.state`; empty while it does not answer) and copy (whether the identity here was
# made for another machine). One question for both: each starts a program.
ask_agent() {
  answer=$("$command" status --json 2>/dev/null || :)
  link=$(printf '%s\n' "$answer" 2>/dev/null | link_state)
  copy=no
  case $answer in
    *'"code": "identity.other-machine"'*) copy=yes ;;
  esac
}

# `link.state` in what the agent says of itself.
link_state() {
  section=no
  while IFS= read -r line; do
    case $line in
      '  "link": {') section=yes ;;
      '    "state": "'*)
        if [ "$section" = yes ]; then
          line=${line#'    "state": "'}
          printf '%s\n' "${line%%\"*}"
          break
        fi
        ;;
    esac
  done
}

check_space() {
  [ "$installed" != "$version" ] || return 0
  # The archive, about four times that when unpacked, and something to work with.
  space "$opt" $((size * 5 / 1024 + 16384))
  space "$data" 131072
}

# KiB that are free where $1 is, or will be made.
free_at() {
  folder=$1
  until [ -d "$folder" ]; do folder=$(dirname "$folder"); done
  df -Pk "$folder" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4
}

# space FOLDER KIB
space() {
  free=$(free_at "$1")
  [ "$free" -ge "$2" ] || fail install.disk-full \
    "Too little space in $1: $((free / 1024)) MB are free, $(($2 / 1024)) MB are needed." "Make room there, then run this again."
}

# ---- the coordinator -------------------------------------------------------------------------------------------------

# curl with what every call to the coordinator has: its own key in the place of a CA, nobody in between. It takes the
# place of the shell that calls it, so that killing that one ends it.
fetch() {
  if [ -n "${FETTLE_PROXY:-}" ]; then set -- --proxy "$FETTLE_PROXY" --noproxy '' "$@"; else set -- --noproxy '*' "$@"; fi
  exec curl -q -fsS -k --pinnedpubkey "$pin" --proto =https --connect-timeout 10 "$@"
}

# That it answers, with its own key, and that both clocks agree: certificates live by them.
check_coordinator() {
  code=0
  (fetch --max-time 20 -D "$work/headers" -o /dev/null "https://$host:$api_port/v1/ca") 2>"$work/errors" || code=$?
  [ "$code" = 0 ] || not_reached "$code"
  said=$(tr -d '\r' <"$work/headers" | after 'Date: ')
  [ -n "$said" ] || said=$(tr -d '\r' <"$work/headers" | after 'date: ')
  theirs=$(date -d "$said" +%s 2>/dev/null) || theirs=''
  { [ -n "$said" ] && [ -n "$theirs" ]; } || fail install.bad-answer "$host:$api_port does not say its time." \
    "Check that it is the coordinator, and what is between it and here."
  ours=$(date +%s)
  off=$((ours - theirs))
  [ $((off < 0 ? -off : off)) -le 300 ] || fail install.clock \
    "The clocks differ by $((off < 0 ? -off : off)) s: here it is $(date -u -d "@$ours" '+%F %T'), at the coordinator $(date -u -d "@$theirs" '+%F %T') (UTC)." \
    "Set the wrong one: timedatectl shows it, timedatectl set-ntp true keeps it right. Then run this again."
}

# not_reached CURL-EXIT; what curl said is in $work/errors.
not_reached() {
  where=$host:$api_port
  said=$(printable <"$work/errors")
  case ${FETTLE_PROXY:+proxy}-$1-$said in
    proxy-5-* | proxy-7-* | proxy-97-* | proxy-*CONNECT* | proxy-*' 407'*) fail install.proxy "The proxy in FETTLE_PROXY cannot be used: $said" \
      "Correct FETTLE_PROXY, or leave it out: the coordinator is then asked directly." ;;
  esac
  case $1 in
    90) other_key ;;
    2 | 4) fail install.no-pinning "This curl cannot check a pinned key: $said" "Install the distribution's own curl, then run this again." ;;
    6) fail install.unreachable "The name $host is not known here: $said" "Correct the name service, or use another address: fettle token create --address ADDRESS." ;;
    22) fail install.refused "$where refused it: $said" "See what the coordinator says (its log), or take a new line: fettle token create." ;;
    23) write_failed "$said" ;;
    35 | 52 | 56) fail install.unreachable "$where does not speak as a coordinator does: $said" \
      "See what is at that address, and whether a proxy or a firewall is between; name $host in its exceptions (NO_PROXY)." ;;
    *) fail install.unreachable "$where cannot be reached: $said" "See that the coordinator runs, and that port $api_port is open from here." ;;
  esac
}

other_key() {
  issuer=$(curl -q -sSv -k --noproxy '*' --max-time 10 -o /dev/null "https://$host:$api_port/v1/ca" 2>&1 | after '*  issuer: ' | printable)
  fail install.other-key "$host:$api_port answered with a key that is not the coordinator's${issuer:+; its certificate was issued by: $issuer}. Nothing was sent there." \
    "A proxy that inspects TLS does so: name $host in its exceptions, and in NO_PROXY. If the coordinator was set up anew, take a new line: fettle token create. Else somebody answers in its place."
}

# A disk that is full, or something else that keeps files from being written.
write_failed() {
  case $1 in
    *'No space left'*) fail install.disk-full "The disk is full: $1" "Make room there, then run this again." ;;
    *'quota'*) fail install.disk-full "The quota is used up: $1" "Raise it, then run this again." ;;
  esac
  # Not every program says why it could not write.
  for folder in "$opt" "$data" /etc; do
    [ "$(free_at "$folder")" -ge 1024 ] || fail install.disk-full "The disk is full at $folder: $1" "Make room there, then run this again."
  done
  fail install.not-writable "It cannot be written: $1" "See why (a read-only or a failing disk?), then run this again."
}

# ---- the token -------------------------------------------------------------------------------------------------------

take_token() {
  token=''
  if [ "$enrolled$again" != yesno ] && [ "$dry_run" = no ]; then
    if [ -n "$token_file" ]; then
      token_from_file "$(printf %s "$token_file" | printable)"
    elif [ -n "${FETTLE_TOKEN:-}" ]; then
      token=$(printf %s "$FETTLE_TOKEN" | bare)
    elif [ ! -t 0 ]; then
      token=$(bare)
    fi
    [ "$enrolled$token" = yes ] || check_token
  fi
  unset FETTLE_TOKEN
}

# token_from_file ITS-NAME-AS-PRINTED
token_from_file() {
  [ -e "$token_file" ] || fail install.no-token "There is no file $1." "Give the path of the file that holds the token."
  [ ! -d "$token_file" ] || fail install.no-token "$1 is a folder." "Give the path of the file in it that holds the token."
  token=$(bare <"$token_file" 2>/dev/null) || token=''
  [ -n "$token" ] || fail install.no-token "There is no token in $1." "Put it there, for root alone (0600)."
  case $(stat -L -c %A "$token_file") in
    -???------*) ;;
    -*) say "$1 can be read by others than its owner. The token is good once; remove the file." ;;
  esac
}

# A token as it was meant: an editor may have put a mark before it, and ends of lines behind.
bare() {
  head -c 1000 | tr -d ' \t\r\n\357\273\277'
}

check_token() {
  case $token in
    '')
      fail install.no-token "No token was given." \
        "Pipe it in, as the line does that fettle token create prints; or use --token-file FILE or FETTLE_TOKEN."
      ;;
    *[!A-Za-z0-9._-]*) ;;
    fettle1.?*.?*.?*) return 0 ;;
  esac
  fail install.bad-token "What was given is not an enrolment token." "Copy the whole line that fettle token create printed."
}

# ---- the program -----------------------------------------------------------------------------------------------------

program_step() {
  stage=$opt/.$version.new
  [ "$installed" != "$version" ] || [ ! -x "$opt/$version/bin/fettle-agent" ] || return 0
  name=fettle-agent-$version-linux-$arch.tar.gz
  step "download $name ($((size / 1048576 + 1)) MB) to $opt/$version" || return 0
  make_folder "$opt"
  if [ -d "$stage" ]; then rm -rf "$stage"; fi
  make_folder "$stage"
  download "$stage/archive"
  check_sum "$stage/archive"
  unpack "$stage/archive"
  place
  changed=yes
}

# What it makes is taken back when the rest fails.
make_folder() {
  [ ! -d "$1" ] || return 0
  made="$1 $made"
  mkdir "$1" 2>"$work/errors" || write_failed "$(printable <"$work/errors")"
}

# A line that breaks is taken up where it broke. curl runs beside, so that Ctrl-C and TERM are heard at once.
download() {
  begun=$(now)
  attempt=1
  while :; do
    code=0
    fetch --max-time 1800 --speed-limit 1000 --speed-time 30 -C - -o "$1" "https://$host:$api_port/install/$name" 2>"$work/errors" &
    child=$!
    wait "$child" || code=$?
    child=''
    [ "$code" != 0 ] || break
    case $code in
      6 | 7 | 18 | 28 | 35 | 52 | 55 | 56) ;;
      *) not_reached "$code" ;;
    esac
    [ "$attempt" -lt 5 ] || not_reached "$code"
    say "the download broke ($(printable <"$work/errors")); again in $attempt s"
    sleep "$attempt"
    attempt=$((attempt + 1))
  done
  download_ms=$(($(now) - begun))
}

check_sum() {
  got=$(wc -c <"$1" | tr -d ' ')
  [ "$got" = "$size" ] || fail install.wrong-sum "$name has $got bytes and should have $size." \
    "The coordinator's archive was changed, or another one was put there meanwhile: take a new line (fettle token create)."
  sum=$(sha256sum "$1" | cut -d ' ' -f 1)
  [ "$sum" = "$sha256" ] || fail install.wrong-sum "$name has the sum $sum and should have $sha256. It was not unpacked." \
    "The coordinator's archive was changed, or another one was put there meanwhile: take a new line (fettle token create)."
}

unpack() {
  unpacked=$(gzip -l "$1" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 3)
  space "$opt" $((unpacked / 1024 + 8192))
  tar -xzf "$1" --no-same-owner -C "$stage" 2>"$work/errors" || write_failed "$(head -n 3 "$work/errors" | printable)"
  rm -f "$1"
  code=0
  said=$("$stage/$version/bin/fettle-agent" --version 2>&1 | printable) || code=$?
  case $said in
    "fettle-agent $version"*) ;;
    *) fail install.does-not-run "The new program does not run here: $said" "See whether /opt is mounted noexec, and that the distribution is one that docs/install.md names." ;;
  esac
}

# Beside the others under its own name, then current leads to it.
place() {
  rm -rf "$opt/.$version.old"
  if exists "$opt/$version"; then was_there=yes; fi
  placing=yes
  if [ "$was_there" = yes ]; then mv "$opt/$version" "$opt/.$version.old"; fi
  mv "$stage/$version" "$opt/$version"
  if [ -n "$installed" ]; then previous=$(readlink "$opt/current"); fi
  switched=yes
  link_to "$version" "$opt/current"
  rm -rf "$stage"
}

# link_to TARGET PATH, in one move.
link_to() {
  rm -f "$2.new"
  { ln -s "$1" "$2.new" && mv -fT "$2.new" "$2"; } 2>"$work/errors" || write_failed "$(printable <"$work/errors")"
}

command_step() {
  exists "$command" && return 0
  step "make $command" || return 0
  make_folder /usr/local
  make_folder /usr/local/bin
  made="$command $made"
  link_to "$opt/current/bin/fettle-agent" "$command"
}

# ---- settings and units ----------------------------------------------------------------------------------------------

settings_step() {
  if exists "$yaml"; then
    if [ "$mirror$driver_install$release_keys$more_coordinators" != falseno ]; then
      say "$yaml is there and stays as it is; what the options ask for has to be written there by hand."
    fi
    return 0
  fi
  step "write $yaml" || return 0
  make_folder /etc/fettle
  made="$yaml $made"
  text=$(agent_yaml)
  (umask 077 && printf '%s\n' "$text" >"$yaml.new" && mv -f "$yaml.new" "$yaml") 2>"$work/errors" || {
    rm -f "$yaml.new"
    write_failed "$(printable <"$work/errors")"
  }
  changed=yes
}

agent_yaml() {
  cat <<EOF
# Where the coordinator is, and what this machine allows it. For root alone; nothing that the coordinator sends
# changes this file. After a change: systemctl restart fettle-agent
coordinators:
  - { host: "$host", port: $agent_port, apiPort: $api_port }
EOF
  for address in $more_coordinators; do
    case $address in
      *:*) printf '  - "%s"\n' "$address" ;;
      *) printf '  - { host: "%s", port: %s, apiPort: %s }\n' "$address" "$agent_port" "$api_port" ;;
    esac
  done
  cat <<EOF
policy:
  # Whether models and the gateway's image may come from the coordinator's mirror, where there is no internet.
  mirror: $mirror
  # Keys (ed25519, base64) that updates may be signed with, beside the two that are built in.
EOF
  if [ -n "$release_keys" ]; then
    printf '  releaseKeys:\n'
    for key in $release_keys; do printf '    - "%s"\n' "$key"; done
  else
    printf '  releaseKeys: []\n'
  fi
  if [ "$driver_install" = yes ]; then
    cat <<EOF
  ollama:
    # The stack may have the distribution's GPU driver installed here (apt, as root), and this machine rebooted for it in
    # the boot in which the agent was installed; every other reboot is a person's word.
    driver: install
    firstBootReboot: true
EOF
  fi
}

units_step() {
  if [ "$dry_run" = yes ] && [ ! -d "$opt/$version/units" ]; then
    say "would write the units of version $version to $unit_folder"
    return 0
  fi
  for file in "$opt/$version/units/"*; do
    [ -f "$file" ] || continue
    target=$unit_folder/$(basename "$file")
    if [ -f "$target" ] && [ "$(sha256sum <"$target")" = "$(sha256sum <"$file")" ]; then continue; fi
    step "write $target" || continue
    reload=yes
    if [ -f "$target" ]; then
      cp -p "$target" "$work/"
      saved_units="$saved_units $(basename "$file")"
    else
      new_units="$new_units $target"
    fi
    { cp "$file" "$target.fettle-new" && chmod 644 "$target.fettle-new" && mv -f "$target.fettle-new" "$target"; } 2>"$work/errors" || {
      rm -f "$target.fettle-new"
      write_failed "$(printable <"$work/errors")"
    }
    changed=yes
  done
  [ "$reload" = no ] || systemctl daemon-reload || fail install.systemd "systemd does not take the units." "See: systemctl status, journalctl -b"
}

# ---- into the stack --------------------------------------------------------------------------------------------------

enrol_step() {
  if [ "$enrolled" = yes ]; then
    enrol_again
    return
  fi
  step "enrol at $host:$api_port" || return 0
  if [ ! -d "$data" ]; then made="$data $made"; else
    exists "$data/identity" || made="$data/identity $made"
    exists "$data/identity/key.pem" || made="$data/identity/key.pem $made"
  fi
  enrolling=yes
  attempt=1
  while ! enrol; do
    # Asked again with the same key, the coordinator answers as before: an answer that was lost costs no token.
    case $(printable <"$work/enrol") in
      *identity.coordinator-unreachable*) ;;
      *) not_enrolled ;;
    esac
    [ "$attempt" -lt 4 ] || not_enrolled
    sleep "$attempt"
    attempt=$((attempt + 1))
  done
  keep=yes
  enrolled=yes changed=yes
  node=$(json_text node <"$identity")
}

enrol() {
  printf %s "$token" | "$command" enrol --coordinator "$host:$api_port" >"$work/enrol" 2>&1
}

# A machine whose node was removed, or that is a copy of another, takes a new token. One that is refused (most often the
# one it was enrolled with) is in nobody's way: it goes on as what it is, if it is let in.
enrol_again() {
  [ -n "$token" ] || return 0
  step "enrol again at $host:$api_port; until now this machine was $node" || return 0
  if enrol; then
    keep=yes
    changed=yes
    node=$(json_text node <"$identity")
  else
    say "not taken in by that token: $(head -n 1 "$work/enrol" | printable)"
  fi
}

not_enrolled() {
  case $(cat "$work/enrol") in
    *'No space left'* | *ENOSPC*) write_failed "No space left in $data: $(printable <"$work/enrol")" ;;
  esac
  tr -cd '[:print:]\n' <"$work/enrol" | head -n 10 >&2
  status=1
  case $(cat "$work/enrol") in
    *identity.token-*) status=3 ;;
  esac
  fail install.not-enrolled "The coordinator did not take this machine in; it says why above." "Do what it says, then run the line of a new token." "$status"
}

start_step() {
  if ! systemctl is-enabled --quiet "$unit" 2>/dev/null; then
    if step "enable $unit"; then
      disabled=yes
      systemctl enable --quiet "$unit" || fail install.systemd "$unit cannot be enabled." "See: systemctl status fettle-agent"
    fi
  fi
  if [ "$was_active" = yes ] && [ "$changed" = no ]; then return 0; fi
  if [ "$was_active" = yes ]; then step "restart $unit" || return 0; else step "start $unit" || return 0; fi
  restarted=yes
  systemctl restart "$unit" || fail install.not-started "$unit does not start: $(journal)" "See: systemctl status fettle-agent; journalctl -u fettle-agent"
}

journal() {
  journalctl --no-pager -o cat -n 3 -u "$unit" 2>/dev/null | printable
}

await_connection() {
  deadline=$(($(now) + 60000))
  until is_connected; do
    [ "$copy" = no ] || not_this_machine
    [ "$(now)" -lt "$deadline" ] || not_connected
    sleep 0.3
  done
}

not_this_machine() {
  fail install.copy "This machine is a copy of $node: the identity here was made for another machine. Its agent changes nothing." \
    "If it is $node from now on: fettle node readmit $node. Else make a token for its own name (fettle token create --node NODE), and run that line here."
}

not_connected() {
  if systemctl is-active --quiet "$unit"; then
    "$command" status 2>&1 | tr -cd '[:print:]\n' | head -n 6 >&2
    fail install.not-connected "The agent of $node runs, and is not connected to its coordinator after 60 s; it says why above." \
      "See that port $agent_port of the coordinator is open from here. If $node was removed there: fettle token create --node $node, and run that line here."
  fi
  fail install.not-started "The agent of $node does not stay up: $(journal)" "See: systemctl status fettle-agent; journalctl -u fettle-agent"
}

# ---- the end ---------------------------------------------------------------------------------------------------------

finish() {
  status=$?
  trap '' HUP INT QUIT TERM
  trap - EXIT
  set +e
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null
    wait "$child" 2>/dev/null
  fi
  if [ "$status" = 0 ]; then keep=yes; fi
  if [ "$enrolling" = yes ] && [ -e "$identity" ]; then
    keep=yes
    node=$(json_text node <"$identity")
  fi
  rm -rf "$mine"
  if [ "$(lock_owner)" = $$ ]; then
    if [ "$keep" = yes ]; then tidy; else undo; fi
    rm -rf "$work"
  fi
  if [ "$status" != 0 ]; then last_word >&2; fi
  exit "$status"
}

last_word() {
  if [ "$keep" = yes ]; then
    printf '  %s is enrolled and stays so; the agent goes on trying by itself. When that is put right, run this script again, without a token.\n' "$node"
  else
    printf '  This machine is as it was before.\n'
  fi
}

tidy() {
  if [ "$placing" = yes ]; then rm -rf "$opt/.$version.old"; fi
}

# Everything backwards, to what was found at the start.
undo() {
  if [ "$disabled" = yes ]; then systemctl disable --quiet "$unit" 2>/dev/null; fi
  for name in $saved_units; do
    rm -f "$unit_folder/$name.fettle-new"
    cp -p "$work/$name" "$unit_folder/$name"
  done
  for target in $new_units; do rm -f "$target" "$target.fettle-new"; done
  undo_program
  for path in $made; do
    if [ "$path" = "$opt" ] || [ "$path" = /etc/fettle ] || [ "$path" = /usr/local ] || [ "$path" = /usr/local/bin ]; then
      rmdir "$path" 2>/dev/null
    else rm -rf "$path" "$path.new"; fi
  done
  if [ "$reload" = yes ]; then systemctl daemon-reload; fi
  if [ "$restarted" = yes ]; then
    if [ "$was_active" = yes ]; then systemctl restart "$unit"; else systemctl stop "$unit"; fi
  fi
}

undo_program() {
  rm -f "$opt/current.new"
  if [ "$switched" = yes ]; then
    if [ -n "$previous" ]; then (link_to "$previous" "$opt/current"); else rm -f "$opt/current"; fi
  fi
  if [ "$placing" = no ]; then return 0; fi
  if [ "$was_there" = no ] || [ -d "$opt/.$version.old" ]; then rm -rf "${opt:?}/$version"; fi
  if [ -d "$opt/.$version.old" ]; then mv "$opt/.$version.old" "$opt/$version"; fi
}

{ main "$@"; }
