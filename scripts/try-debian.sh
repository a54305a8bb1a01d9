#!/usr/bin/env bash
# README's two commands on a fresh Debian: makes a minimal system with debootstrap in its own folder, with an
# ordinary user who may sudo, clones HEAD there and runs ./run.sh and ./test.sh. Removes the system at the end.
#   scripts/try-debian.sh 12|13|bookworm|trixie        both commands
#   scripts/try-debian.sh 13 arm64                     instead scripts/test-arm64.sh: the pico-llama command for 64-bit Arm,
#                             cross-compiled and emulated in a system for amd64; its --help explains what is omitted
#   --run, --test             only that command
#   --models FOLDER           model files to put next to the clone as ../shared/models; by default there are none
#   --ccache FOLDER           a compiler cache that repeated trials share, and that belongs to their user from then on; by
#                             default each trial compiles everything
#   --folder FOLDER           where the system is made, 6 GB for both commands (default: a new one in /var/tmp)
#   --keep                    keep the system
# Needs root, debootstrap and the network; exit code 77 where the first two are missing, 1 where a command failed.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
self=$checkout/scripts/try-debian.sh

say() { printf 'try-debian: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
wrong() { say "$*; see scripts/try-debian.sh --help"; exit 2; }

suite='' arch='' commands='run test' models='' ccache='' folder='' keep=no
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '/^set /q; 2,$s/^# \{0,1\}//p' "$self"; exit ;;
    12 | bookworm) suite=bookworm ;;
    13 | trixie) suite=trixie ;;
    arm64) arch=arm64 commands=arm64 ;;
    --run) commands=run ;;
    --test) commands=test ;;
    --keep) keep=yes ;;
    --models | --ccache | --folder)
      [ $# -ge 2 ] || wrong "$1 needs a folder"
      [ "$1" = --folder ] || [ -d "$2" ] || wrong "$2: no such folder"
      printf -v "${1#--}" %s "$(realpath -m "$2")"
      shift ;;
    *) wrong "$1 is no release of Debian that this project supports, and no option" ;;
  esac
  shift
done
[ -n "$suite" ] || wrong "which Debian? 12 or 13"
[ -z "$arch" ] || [ "$suite $commands" = "trixie arm64" ] || wrong "arm64 is tried on Debian 13 only, and as a whole"
cannot() { say "$*"; exit 77; }
[ "$(id -u)" -eq 0 ] || cannot "debootstrap and chroot need root: sudo $0 ..."
command -v debootstrap >/dev/null || cannot "debootstrap is missing: apt-get install debootstrap"
command -v python3 >/dev/null || die "python3 is missing: apt-get install python3"

# Runs in its own mount and PID namespaces: on any exit its mounts and processes end with it, and the folder contains only its own
# files when it is removed.
if [ -z "${TRY_DEBIAN_SYSTEM:-}" ]; then
  if [ -n "$folder" ]; then
    case $folder/ in "$checkout"/*) wrong "$folder is inside the checkout" ;; esac
    [ ! -e "$folder" ] || wrong "$folder is there already; name a new folder"
    mkdir -p "$folder"
  else
    folder=$(mktemp -d /var/tmp/try-debian.XXXXXX)
  fi
  finish() {
    trap '' INT TERM HUP
    if [ $keep = yes ]; then say "the system is left in $folder/system"; else rm -rf --one-file-system "$folder"; fi
  }
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  options=()
  [ -z "$models" ] || options+=(--models "$models")
  [ -z "$ccache" ] || options+=(--ccache "$ccache")
  case $commands in run | test) options+=("--$commands") ;; esac
  # In the background, so that a signal to this script is not held back until it ends.
  TRY_DEBIAN_SYSTEM=$folder unshare --mount --propagation private --pid --fork --kill-child "$self" "$suite" $arch "${options[@]}" &
  child=$!
  # unshare --fork ignores SIGTERM; when it is killed, --kill-child kills all that is inside.
  trap 'kill -KILL $child 2>/dev/null; exit 130' INT
  trap 'kill -KILL $child 2>/dev/null; exit 143' TERM HUP
  code=0
  wait $child || code=$?
  exit $code
fi
folder=$TRY_DEBIAN_SYSTEM
system=$folder/system

mirror=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN)' | awk '$2=="Packages" && $3=="Debian" && $1 !~ /security/{print $1; exit}')
[ -n "$mirror" ] || die "no Debian mirror among this machine's apt sources"

say "Debian $suite, minimal, with debootstrap"
debootstrap --variant=minbase --include=sudo,ca-certificates "$suite" "$system" "$mirror" >"$folder/debootstrap.log" 2>&1 \
  || { tail -n 5 "$folder/debootstrap.log" >&2; die "debootstrap failed"; }
cp /etc/resolv.conf "$system/etc/resolv.conf"
cp /etc/hosts "$system/etc/hosts"
apt-config dump | grep '^Acquire::https\?::' >"$system/etc/apt/apt.conf.d/90mirror" || true
# Certificates that this machine trusts beside Debian's: its package sources may need them.
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  install -m 644 /usr/local/share/ca-certificates/*.crt "$system/usr/local/share/ca-certificates/"
  chroot "$system" /usr/sbin/update-ca-certificates >>"$folder/debootstrap.log" 2>&1
fi
mount -t proc proc "$system/proc"
mount --bind /dev "$system/dev"
mount --bind /dev/pts "$system/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$system/dev/shm"
inside() { chroot "$system" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root "$@"; }
inside useradd --create-home --shell /bin/bash teller
echo 'teller ALL=(ALL) NOPASSWD: ALL' >"$system/etc/sudoers.d/teller"
home=$system/home/teller
git -c safe.directory="$checkout" -c safe.directory="$checkout/.git" clone --quiet --no-local "$checkout" "$home/pico-llama" \
  || die "cannot clone $checkout"
say "trying $(git -c safe.directory='*' -C "$home/pico-llama" log -1 --format='%h %s')"
if [ -n "$models" ]; then
  mkdir -p "$home/shared"
  cp -r "$models" "$home/shared/models"
fi
if [ -n "$ccache" ]; then
  mkdir -p "$home/.cache/ccache"
  mount --bind "$ccache" "$home/.cache/ccache"
  inside sh -c 'chown -R teller: ~teller/.cache'
fi
inside sh -c 'chown -R teller: ~teller/pico-llama'
as_user() { inside su -l teller -c "cd pico-llama && $1"; }

# Shows the output as it comes, saves it to $1, and reports the longest silence.
listen() {
  python3 -c '
import os, select, sys, time
log, longest, last = open(sys.argv[1], "wb"), 0.0, time.monotonic()
while data := os.read(0, 65536):
    now = time.monotonic()
    longest, last = max(longest, now - last), now
    log.write(data)
    log.flush()
    os.write(2, data)
open(sys.argv[1] + ".silence", "w").write(f"{longest:.0f}")
' "$1"
}
packages() { inside dpkg-query -W -f '${Installed-Size} ${db:Status-Status}\n' | awk '$2 == "installed" {kb += $1; n++} END {print n, int(kb / 1024)}'; }

results=()
trial() { # NAME COMMAND
  local log=$folder/$1.log began=$SECONDS code=0 before after
  before=($(packages))
  say "$2"
  { as_user "$2" 2>&1 || echo $? >"$folder/$1.code"; } | listen "$log"
  [ ! -e "$folder/$1.code" ] || code=$(cat "$folder/$1.code")
  after=($(packages))
  results+=("$suite: $2: exit $code, $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s, \
$((after[0] - before[0])) packages and $((after[1] - before[1])) MB installed, silent for at most $(cat "$log.silence") s")
  if [ "$1" = run ]; then
    lines=$(grep -c '' <(sed '/^> /,$d' "$log"))
    results+=("  $lines lines before the board's prompt, at most 25 wanted")
    [ "$lines" -le 25 ] || failed=yes
  fi
  results+=("$(tail -n 6 "$log" | cut -c1-300 | sed 's/^/  | /')")
  [ "$code" -eq 0 ] || failed=yes
}

failed=no
for command in $commands; do
  case $command in
    arm64) trial arm64 scripts/test-arm64.sh ;;
    *) trial "$command" "./$command.sh" ;;
  esac
done
printf '%s\n' "${results[@]}"
[ $failed = no ]
