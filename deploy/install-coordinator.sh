#!/bin/sh
# Installs or updates Fettle's coordinator on this machine, from its archive:
#
#   sudo sh install-coordinator.sh fettle-coordinator-VERSION-linux-ARCH.tar.gz
#
# Needs systemd, sh, curl, tar, gzip, sha256sum and coreutils, and nothing else. All of it is functions, and the last
# line calls main: a file that was cut, wherever, does nothing. Whatever goes wrong (Ctrl-C too) is undone.

settings() {
  opt=/opt/fettle
  data=/var/lib/fettle
  etc=/etc/fettle
  yaml=$etc/coordinator.yaml
  unit=fettle-coordinator.service
  unit_file=/etc/systemd/system/$unit
  command=/usr/local/bin/fettle
  user=fettle
  user_files='/etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid-'
  # A folder of this run alone, in memory; it is the lock too.
  work=/run/fettle-coordinator-install

  archive='' given_sha256='' listen='' names='' dry_run=no
  version='' arch='' sha256='' installed='' token='' api='' url=''
  changed=no was_active=no was_enabled=no
  # What undo has to take back.
  mine='' other='' made='' made_user=no switched=no previous='' placed=no set_aside=no saved_unit=no saved_yaml=no saved_data=no
  data_was=''
  stopped=no started=no enabled=no reload=no
}

main() {
  set -eu
  umask 022
  LC_ALL=C
  export LC_ALL
  unset FETTLE_DATA FETTLE_CONFIG FETTLE_RUN FETTLE_SHARE FETTLE_URL FETTLE_TOKEN FETTLE_CA FETTLE_SOCKET NODE_OPTIONS
  unset FETTLE_LISTEN_API FETTLE_LISTEN_AGENTS FETTLE_LOG_LEVEL TAR_OPTIONS GZIP POSIXLY_CORRECT
  settings
  options "$@"
  check_machine
  check_archive
  begin
  check_paths
  look_around
  check_sum
  check_space
  program_step
  user_step
  settings_step
  links_step
  unit_step
  if [ "$dry_run" = yes ]; then
    say "Nothing was changed: this was --dry-run."
    return 0
  fi
  if is_done; then
    say "The coordinator of version $version runs and answers at $url; nothing to do."
    return 0
  fi
  data_step
  start_step
  await_health
  goodbye
}

# ---- words -----------------------------------------------------------------------------------------------------------

say() {
  printf '%s\n' "$1"
}

# fail CODE CAUSE REMEDY
fail() {
  printf 'fettle-install: %s\n  %s (%s)\n' "$2" "$3" "$1" >&2
  exit 1
}

# Whether to do it now; --dry-run only says it.
step() {
  if [ "$dry_run" = yes ]; then
    say "would $1"
    return 1
  fi
  say "$1" || exit 1
}

# What others said, as one line that a terminal can bear.
printable() {
  tr '\n\t' '  ' | tr -cd '[:print:]' | cut -c 1-600 | sed 's/ *$//'
}

# The value of a key of one-line JSON on standard input, up to its closing quote.
json_text() {
  sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | head -n 1
}

usage() {
  cat <<'USAGE'
Usage: sh install-coordinator.sh ARCHIVE [OPTIONS], as root

  --listen ADDRESS   the address of this machine to listen on; without it a private one is chosen, never a public one
  --name NAME        one more name or address by which the coordinator is reached, for its certificate; can be repeated
  --sha256 SUM       of the archive, where neither its .sha256 nor its .manifest lies beside it
  --dry-run          say what would be done and change nothing

Run again it changes nothing that is right; with a newer archive it updates, with other options it changes the address.
USAGE
}

options() {
  while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
      --dry-run) dry_run=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      --listen | --name | --sha256)
        [ $# -gt 0 ] || fail install.usage "$option needs a value." "See --help."
        with_value "$option" "$1"
        shift
        ;;
      -*) fail install.usage "There is no option $(printf %s "$option" | printable)." "See --help." ;;
      *)
        [ -z "$archive" ] || fail install.usage "One archive is installed, not several." "See --help."
        archive=$option
        ;;
    esac
  done
  [ -n "$archive" ] || {
    usage >&2
    exit 1
  }
}

with_value() {
  case $2 in
    '' | -* | *[!A-Za-z0-9.:-]*) fail install.usage "$(printf %s "$2" | printable) is no value for $1." "See --help." ;;
  esac
  case $1 in
    --listen) listen=$2 ;;
    --name) names="$names $2" ;;
    --sha256) given_sha256=$2 ;;
  esac
}

# ---- checks: nothing is changed ----------------------------------------------------------------------------------------

check_machine() {
  [ "$(id -u)" = 0 ] || fail install.not-root "This has to run as root." "Put sudo before sh, or become root first."
  kernel=$(uname -s)
  [ "$kernel" = Linux ] || fail install.not-linux "This is $kernel; the coordinator runs on Linux." "Use a Linux machine with systemd."
  machine=$(uname -m)
  case $machine in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) fail install.architecture "There is no coordinator for this architecture: $machine." "Use a machine with x86_64 or aarch64." ;;
  esac
  [ -d /run/systemd/system ] || fail install.no-systemd "systemd is not the first process here." \
    "Use a machine with systemd; in containers, use deploy/compose.yaml."
  missing=''
  for tool in curl tar gzip sha256sum systemctl useradd userdel runuser getent cut df head mv readlink sed sort stat tail tr; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  [ -z "$missing" ] || fail install.no-tool "This machine lacks:$missing." "Install them (apt-get install), then run this again."
}

# The archive's name says what it is; what is in it is checked by its sum, and said again by its release.json.
check_archive() {
  [ -f "$archive" ] || fail install.no-archive "There is no file $(printf %s "$archive" | printable)." "Give the path of fettle-coordinator-VERSION-linux-$arch.tar.gz."
  name=$(basename "$archive")
  case $name in
    fettle-coordinator-[0-9]*-linux-*.tar.gz) ;;
    *) fail install.no-archive "$(printf %s "$name" | printable) is not named as a coordinator's archive." \
      "Give the path of fettle-coordinator-VERSION-linux-$arch.tar.gz, under that name." ;;
  esac
  version=${name#fettle-coordinator-}
  version=${version%-linux-*}
  its_arch=${name##*-linux-}
  its_arch=${its_arch%.tar.gz}
  case $version in
    *[!0-9.]*) fail install.no-archive "$(printf %s "$version" | printable) is no version." "Keep the name that the archive had." ;;
  esac
  [ "$its_arch" = "$arch" ] || fail install.architecture "The archive is for $(printf %s "$its_arch" | printable), and this machine is $machine ($arch)." \
    "Take fettle-coordinator-$version-linux-$arch.tar.gz."
}

# The lock, and undo at the end whatever the end is.
begin() {
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 131' QUIT
  # Nobody listens any more: the admin's token, shown once, would be lost.
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  mine=$work.$$
  said=$( (umask 077 && rm -rf "$mine" && mkdir "$mine" && : >"$mine/owner-$$") 2>&1) || {
    said=$(printf %s "$said" | printable)
    case $said in
      *'No space left'*) fail install.disk-full "${work%/*} is full: $said" "Make room there, then run this again." ;;
    esac
    fail install.not-writable "$mine cannot be made: $said" "See why, then run this again."
  }
  take_lock || take_dead_lock || fail install.busy "Another install of the coordinator runs on this machine (process $other)." \
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

exists() {
  [ -e "$1" ] || [ -L "$1" ]
}

foreign() {
  fail install.foreign "$1 is there already and is not Fettle's." "See what it belongs to; move it away, then run this again."
}

# own_folder PATH USER…
own_folder() {
  folder=$1
  shift
  exists "$folder" || return 0
  { [ -d "$folder" ] && [ ! -L "$folder" ]; } || foreign "$folder"
  owner=$(stat -c %U "$folder")
  for each in "$@"; do [ "$owner" != "$each" ] || return 0; done
  foreign "$folder"
}

check_paths() {
  own_folder "$opt" root
  own_folder "$etc" root
  own_folder "$data" root "$user"
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
  if exists "$unit_file"; then
    [ "$(readlink "$unit_file" || printf '')" != /dev/null ] || fail install.masked "$unit is masked." \
      "Somebody wanted it never to start. If that is over: systemctl unmask fettle-coordinator"
    grep -q '^Description=Fettle' "$unit_file" || foreign "$unit_file"
  fi
  entry=$(getent passwd "$user" || printf '')
  case $entry in
    '' | */nologin | */false) ;;
    *) fail install.foreign "There is a user $user here who can log in." "The coordinator needs that name for itself: rename that user, then run this again." ;;
  esac
}

# Sets installed (the version that current leads to), was_active and was_enabled.
look_around() {
  if [ -L "$opt/current" ]; then installed=$(basename "$(readlink "$opt/current")"); fi
  if systemctl is-active --quiet "$unit"; then was_active=yes; fi
  if systemctl is-enabled --quiet "$unit" 2>/dev/null; then was_enabled=yes; fi
  if [ -n "$installed" ] && [ "$installed" != "$version" ]; then
    newest=$(printf '%s\n%s\n' "$installed" "$version" | sort -V | tail -n 1)
    [ "$newest" = "$version" ] || fail install.downgrade "Version $installed is installed, which is newer than $version." \
      "A coordinator does not go back: its database is the newer version's. Restore a backup of the older one elsewhere instead."
  fi
}

check_space() {
  size=$(stat -c %s "$archive")
  if ! has_program; then
    # Node is 110 MB unpacked; the agents' archives do not shrink.
    space /opt $((size / 1024 + 180000))
  fi
  space /var/lib $((131072 + $(database_kib)))
}

database_kib() {
  if [ -f "$data/fettle.db" ]; then du -sk "$data/fettle.db" | cut -f 1; else printf 0; fi
}

# space FOLDER KIB
space() {
  folder=$1
  [ -d "$folder" ] || folder=/
  free=$(df -Pk "$folder" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  [ "$free" -ge "$2" ] || fail install.disk-full \
    "Too little space in $1: $((free / 1024)) MB are free, $(($2 / 1024)) MB are needed." "Make room there, then run this again."
}

# The sum from --sha256, else from the .sha256, else from the .manifest beside the archive.
check_sum() {
  sha256=$given_sha256
  if [ -z "$sha256" ] && [ -f "$archive.sha256" ]; then sha256=$(cut -d ' ' -f 1 <"$archive.sha256" | head -n 1); fi
  if [ -z "$sha256" ] && [ -f "$archive.manifest" ]; then sha256=$(sed -n 's/.*sha256\\":\\"\([0-9a-f]*\)\\".*/\1/p' "$archive.manifest" | head -n 1); fi
  [ -n "$sha256" ] || fail install.no-sum "What the archive's sum should be is not known: there is no $name.sha256 beside it." \
    "Copy that file too, or give the sum: --sha256 SUM."
  got=$(sha256sum <"$archive" | cut -d ' ' -f 1)
  [ "$got" = "$sha256" ] || fail install.wrong-sum "$name has the sum $got and should have $(printf %s "$sha256" | printable). It was not unpacked." \
    "The file was cut or changed on its way: copy it again."
}

# Whether exactly this archive is unpacked already.
has_program() {
  [ -x "$opt/$version/bin/node" ] && [ -n "$sha256" ] && [ "$(cat "$opt/$version/.sha256" 2>/dev/null || printf '')" = "$sha256" ]
}

# Nothing that a disk or a mount refuses goes on unnoticed.
write_failed() {
  case $1 in
    *'No space left'*) fail install.disk-full "The disk is full: $1" "Make room there, then run this again." ;;
  esac
  check_full "$1"
  fail install.not-writable "It cannot be written: $1" "See why (a read-only or a failing disk?), then run this again."
}

# Not every program says that it was for a full disk.
check_full() {
  for folder in "$opt" "$data" "$etc"; do
    until [ -d "$folder" ]; do folder=$(dirname "$folder"); done
    free=$(df -Pk "$folder" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
    [ "$free" -ge 1024 ] || fail install.disk-full "The disk is full at $folder: $1" "Make room there, then run this again."
  done
}

try() {
  "$@" 2>"$work/errors" || write_failed "$(printable <"$work/errors")"
}

# make_folder PATH [MODE]: what it makes is taken back when the rest fails.
make_folder() {
  [ ! -d "$1" ] || return 0
  made="$1 $made"
  try mkdir -m "${2:-755}" "$1"
}

# ---- the program -----------------------------------------------------------------------------------------------------

# Afterwards $program is the folder of the new version, wherever it lies; --dry-run looks at it in a folder of its own.
program_step() {
  program=$opt/$version
  ! has_program || return 0
  if step "unpack $name to $opt/$version"; then
    make_folder "$opt"
    stage=$opt/.$version.new
  else
    stage=/var/tmp/fettle-install.$$
  fi
  rm -rf "$stage"
  make_folder "$stage"
  try tar -xzf "$archive" --no-same-owner -C "$stage"
  program=$stage/$version
  check_program
  printf '%s\n' "$sha256" >"$program/.sha256"
  changed=yes
  if [ "$dry_run" = no ]; then place; fi
}

check_program() {
  [ -f "$program/bin/fettle" ] || fail install.no-archive "$name does not hold version $version of the coordinator." \
    "Give the archive under the name that it was built with."
  code=0
  said=$("$program/bin/fettle" --version 2>&1 | printable) || code=$?
  case $said in
    "$version"*) ;;
    *) fail install.does-not-run "The new program does not run here: $said" \
      "See whether /opt is mounted noexec, and that the distribution is one that docs/install.md names." ;;
  esac
}

# Beside the others under its own name; nothing leads to it yet.
place() {
  rm -rf "$opt/.$version.old"
  if exists "$opt/$version"; then set_aside=yes; fi
  placed=yes
  if [ "$set_aside" = yes ]; then try mv "$opt/$version" "$opt/.$version.old"; fi
  try mv "$program" "$opt/$version"
  program=$opt/$version
  rm -rf "$stage"
}

user_step() {
  if getent passwd "$user" >/dev/null; then return 0; fi
  step "make the system user $user" || return 0
  for file in $user_files; do
    if [ -f "$file" ]; then try cp -p "$file" "$work/"; fi
  done
  made_user=yes
  # Cut short it would leave its locks behind; so would userdel, which runs when no signal is heard any more.
  (
    trap '' HUP INT PIPE QUIT TERM
    exec useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
  ) 2>"$work/errors" || write_failed "$(printable <"$work/errors")"
}

# Where it listens: the program itself knows the file and this machine's addresses.
settings_step() {
  configure --dry-run >"$work/settings" 2>"$work/errors" || settings_refused
  api=$(json_text api <"$work/settings")
  url=$(json_text url <"$work/settings")
  grep -q '"changed":true' "$work/settings" || return 0
  why=''
  [ -n "$listen" ] || why=' (--listen ADDRESS takes another)'
  step "write $yaml: listen on $api$why" || return 0
  make_folder "$etc"
  if exists "$yaml"; then
    try cp -p "$yaml" "$work/coordinator.yaml"
    saved_yaml=yes
  else
    made="$yaml $made"
  fi
  configure >"$work/settings" 2>"$work/errors" || settings_refused
  changed=yes
}

configure() {
  set -- coordinator configure --json "$@"
  if [ -n "$listen" ]; then set -- "$@" --listen "$listen"; fi
  for each in $names; do set -- "$@" --name "$each"; done
  "$program/bin/fettle" "$@"
}

settings_refused() {
  code=$(json_text code <"$work/settings")
  [ -n "$code" ] || write_failed "$(printable <"$work/errors")"
  fail "$code" "$(json_text message <"$work/settings" | printable)" "$(json_text remedy <"$work/settings" | printable)"
}

# ---- links and unit --------------------------------------------------------------------------------------------------

# link_to TARGET PATH, in one move.
link_to() {
  rm -f "$2.new"
  try ln -s "$1" "$2.new"
  try mv -fT "$2.new" "$2"
}

links_step() {
  if [ "$installed" != "$version" ] && step "let $opt/current lead to $version"; then
    previous=$installed
    switched=yes
    link_to "$version" "$opt/current"
    changed=yes
  fi
  exists "$command" && return 0
  step "make $command" || return 0
  make_folder /usr/local
  make_folder /usr/local/bin
  made="$command $made"
  link_to "$opt/current/bin/fettle" "$command"
}

unit_step() {
  new=$program/deploy/units/$unit
  if [ -f "$unit_file" ] && [ "$(sha256sum <"$unit_file")" = "$(sha256sum <"$new")" ]; then return 0; fi
  step "write $unit_file" || return 0
  if [ -f "$unit_file" ]; then
    try cp -p "$unit_file" "$work/$unit"
    saved_unit=yes
  else
    made="$unit_file $made"
  fi
  try cp "$new" "$unit_file.new"
  chmod 644 "$unit_file.new"
  try mv -f "$unit_file.new" "$unit_file"
  reload=yes
  changed=yes
  systemctl daemon-reload || fail install.systemd "systemd does not take the unit." "See: systemctl status, journalctl -b"
}

# ---- the coordinator itself ------------------------------------------------------------------------------------------

is_done() {
  [ "$changed" = no ] && [ "$was_active" = yes ] && [ "$was_enabled" = yes ] && [ -f "$data/fettle.db" ] && is_healthy
}

# A new coordinator is made; of one that there is, what an older version has to find again is kept until the new one runs.
data_step() {
  if [ -d "$data" ]; then data_was=$(stat -c '%u:%g %a' "$data"); fi
  if [ ! -f "$data/fettle.db" ]; then
    init
    return 0
  fi
  [ "$placed$switched" != nono ] || return 0
  if [ "$was_active" = yes ]; then
    step "stop the coordinator of version $installed" || return 0
    stopped=yes
    systemctl stop "$unit" || fail install.systemd "$unit cannot be stopped." "See: systemctl status fettle-coordinator"
  fi
  rm -rf "$data/.before-update"
  saved_data=yes
  try mkdir -m 700 "$data/.before-update"
  try cp -a "$data"/fettle.db* "$data/pki" "$data/.before-update/"
}

init() {
  step "make a coordinator in $data: database, CA, the admin's token" || return 0
  make_folder "$data" 700
  try chown "$user:$user" "$data"
  made="$data/fettle.db $data/fettle.db-wal $data/fettle.db-shm $data/pki $made"
  (cd / && runuser -u "$user" -- "$program/bin/fettle" coordinator init --json) >"$work/init" 2>"$work/errors" || {
    code=$(json_text code <"$work/init")
    [ -n "$code" ] || write_failed "$(printable <"$work/errors")"
    check_full "$(json_text message <"$work/init" | printable)"
    fail "$code" "$(json_text message <"$work/init" | printable)" "$(json_text remedy <"$work/init" | printable)"
  }
  token=$(json_text token <"$work/init")
  rm -f "$work/init"
}

start_step() {
  if [ "$was_enabled" = no ] && step "enable $unit"; then
    enabled=yes
    systemctl enable --quiet "$unit" || fail install.systemd "$unit cannot be enabled." "See: systemctl status fettle-coordinator"
  fi
  step "start $unit" || return 0
  started=yes
  systemctl reset-failed "$unit" 2>/dev/null || true
  systemctl restart "$unit" || fail install.not-started "$unit does not start: $(journal)" "See: journalctl -u fettle-coordinator"
}

journal() {
  journalctl --no-pager -o cat -n 2 -u "$unit" _TRANSPORT=stdout 2>/dev/null | printable
}

# The hash of the coordinator's own key, as curl and fettle login take it.
pin() {
  "$opt/current/bin/node" -e '
    const { createHash, X509Certificate } = require("crypto");
    const { publicKey } = new X509Certificate(require("fs").readFileSync(process.argv[1]));
    const spki = publicKey.export({ type: "spki", format: "der" });
    process.stdout.write("sha256//" + createHash("sha256").update(spki).digest("base64"));
  ' "$data/pki/server.pem" 2>/dev/null
}

# Whether it answers with its own key and says that it is well.
is_healthy() {
  case $api in
    0.0.0.0:*) door=127.0.0.1:${api##*:} ;;
    '[::]:'*) door="[::1]:${api##*:}" ;;
    *) door=$api ;;
  esac
  own=$(pin) || return 1
  curl -q -fsS -k -g --noproxy '*' --pinnedpubkey "$own" --max-time 5 -o "$work/health" "https://$door/healthz" 2>"$work/errors"
}

await_health() {
  tries=0
  until is_healthy; do
    tries=$((tries + 1))
    restarts=$(systemctl show -p NRestarts --value "$unit" 2>/dev/null || printf 0)
    if [ "${restarts:-0}" -ge 3 ]; then fail install.not-started "The coordinator does not stay up; it says: $(journal)" "Do what it says, then run this again; see also journalctl -u fettle-coordinator"; fi
    [ "$tries" -lt 120 ] || fail install.not-healthy "The coordinator runs and does not answer at https://$door/healthz: $(printable <"$work/errors")" "See: journalctl -u fettle-coordinator"
    sleep 0.5
  done
}

goodbye() {
  if [ -n "$previous" ]; then
    say "The coordinator is updated from $previous to $version and answers at $url."
  else
    say "The coordinator of version $version runs and answers at $url."
  fi
  [ -n "$token" ] || return 0
  cat <<TEXT

The admin's token, shown this once; keep it as a password:

  $token

On this machine root needs none. From elsewhere, with the fettle program (there: fettle login asks for the token):

  fettle login $url --pin $(pin)

Next, here, with a stack file of yours (an example: $opt/current/deploy/examples/stack.yaml):

  fettle apply -f STACK.yaml
  fettle token create --node NODE     # for each machine in it: prints the line to paste there
TEXT
}

# ---- the end ---------------------------------------------------------------------------------------------------------

finish() {
  status=$?
  trap '' HUP INT PIPE QUIT TERM
  trap - EXIT
  set +e
  rm -rf "$mine"
  if [ "$(lock_owner)" = $$ ]; then
    if [ "$status" = 0 ] && [ "$dry_run" = no ]; then tidy; else undo; fi
    rm -rf "$work"
  fi
  if [ "$status" != 0 ]; then printf '  This machine is as it was before.\n' >&2; fi
  exit "$status"
}

# The version before this one stays, for a look back; older ones of ours go.
tidy() {
  rm -rf "$data/.before-update"
  if [ "$placed" = yes ]; then rm -rf "$opt/.$version.old"; fi
  [ "$switched" = yes ] || return 0
  for old in "$opt"/[0-9]*; do
    case ${old##*/} in
      "$version" | "$previous") ;;
      *) if [ -f "$old/.sha256" ]; then rm -rf "$old"; fi ;;
    esac
  done
}

# Everything backwards, to what was found at the start.
undo() {
  if [ "$started" = yes ]; then systemctl stop "$unit" 2>/dev/null; fi
  if [ "$enabled" = yes ]; then systemctl disable --quiet "$unit" 2>/dev/null; fi
  rm -f "$unit_file.new" "$yaml.new"
  if [ "$saved_unit" = yes ]; then cp -p "$work/$unit" "$unit_file"; fi
  if [ "$saved_yaml" = yes ]; then cp -p "$work/coordinator.yaml" "$yaml"; fi
  if [ "$saved_data" = yes ]; then undo_data; fi
  undo_program
  for path in $made; do
    case $path in
      "$opt" | "$etc" | /usr/local | /usr/local/bin) rmdir "$path" 2>/dev/null ;;
      *) rm -rf "$path" "$path.new" ;;
    esac
  done
  if [ -n "$data_was" ] && [ -d "$data" ]; then chown "${data_was% *}" "$data" && chmod "${data_was#* }" "$data"; fi
  if [ "$made_user" = yes ]; then undo_user; fi
  if [ "$reload" = yes ]; then systemctl daemon-reload; fi
  if [ "$was_active" = yes ] && [ "$started$stopped" != nono ]; then systemctl start "$unit"; fi
}

# With the copies that useradd and userdel make of what was before them.
undo_user() {
  userdel "$user" 2>/dev/null
  for file in $user_files; do
    if [ -f "$work/${file##*/}" ]; then cp -p "$work/${file##*/}" "$file"; else rm -f "$file"; fi
  done
}

# What the newer version may have changed.
undo_data() {
  if [ -d "$data/.before-update/pki" ] && [ -f "$data/.before-update/fettle.db" ] && [ "$started" = yes ]; then
    rm -rf "$data"/fettle.db* "$data/pki"
    cp -a "$data/.before-update/." "$data/"
  fi
  rm -rf "$data/.before-update"
}

undo_program() {
  rm -f "$opt/current.new"
  if [ "$switched" = yes ]; then
    if [ -n "$previous" ]; then
      rm -f "$opt/current.new"
      ln -s "$previous" "$opt/current.new" && mv -fT "$opt/current.new" "$opt/current"
    else rm -f "$opt/current"; fi
  fi
  [ "$placed" = yes ] || return 0
  # Set aside or not yet: a signal may have come before the move.
  if [ "$set_aside" = no ] || [ -d "$opt/.$version.old" ]; then rm -rf "${opt:?}/$version"; fi
  if [ -d "$opt/.$version.old" ]; then mv "$opt/.$version.old" "$opt/$version"; fi
}

{ main "$@"; }
