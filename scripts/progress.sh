# Sourced by run.sh and setup.sh: long commands with their output in a log, and a sign of life at least every 15 s.

# progress TITLE LOG COMMAND...: runs COMMAND, appends its output to LOG and shows on stderr how far it is, from ninja's
# "[3/40] ..." and apt's status lines. A terminal gets one line that is rewritten, anything else one line that grows.
# Returns COMMAND's exit code; if that is not 0, the end of the log and its name have been shown.
progress() {
  local title=$1 log=$2 code=0
  shift 2
  mkdir -p "$(dirname "$log")"
  (set -o pipefail; "$@" 2>&1 | progress_show "$title" "$log") || code=$?
  [ $code -eq 0 ] && return
  # A linker's command line has thousands of characters.
  printf 'failed; the end of %s:\n' "$log" >&2
  tail -n 20 "$log" | cut -c1-400 >&2
  return $code
}

progress_show() { # TITLE LOG, reads the command's output
  local title=$1 log=$2 line part='' code percent=0 shown=0 what='' said=$SECONDS began=$SECONDS width=0
  if [ -t 2 ]; then
    width=$(stty size <&2 2>/dev/null | cut -d' ' -f2)
    [ "${width:-0}" -ge 20 ] || width=80
  else
    printf '%s:' "$title" >&2
  fi
  while :; do
    code=0
    IFS= read -r -t 5 line || code=$?
    if [ $code -gt 128 ]; then
      part+=$line # as much of a line as there is
    else
      line=$part$line part=''
      [ $code -eq 0 ] || [ -n "$line" ] || break
      [[ $line =~ ^(dl|pm)status: ]] || printf '%s\n' "$line" >>"$log"
      if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) ]]; then
        percent=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2])) what=${BASH_REMATCH[3]##*/}
        what="${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}, ${what%.o}"
      elif [[ $line =~ ^(dl|pm)status:[^:]*:([0-9]+)[.0-9]*:(.*) ]]; then
        percent=${BASH_REMATCH[2]} what=${BASH_REMATCH[3]}
      fi
    fi
    if [ "$width" -gt 0 ]; then
      line="$title: $percent%, $((SECONDS - began)) s${what:+ ($what)}"
      printf '\r%s\033[K' "${line:0:width-1}" >&2
    elif [ $((percent / 10)) -gt $((shown / 10)) ] || [ $((SECONDS - said)) -ge 10 ]; then
      if [ "$percent" -gt "$shown" ]; then printf ' %d%%' "$percent" >&2; else printf '.' >&2; fi
      shown=$percent said=$SECONDS
    fi
    [ $code -eq 0 ] || [ $code -gt 128 ] || break
  done
  if [ "$width" -gt 0 ]; then
    printf '\r%s: %d s\033[K\n' "$title" $((SECONDS - began)) >&2
  else
    printf ' %d s\n' $((SECONDS - began)) >&2
  fi
}
