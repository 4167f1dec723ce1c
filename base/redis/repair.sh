#!/bin/sh
# repair.sh FOLDER: runs before Redis starts with this data folder, and fails if Redis must not start.
#
# A crash may leave the last command incomplete, and zero bytes after it, since a file may grow before its content is on the
# disk. This command was never answered, so it is cut off, and a copy of it stays in FOLDER/removed. Other damage may hide
# acknowledged increments. Then nothing is changed, and a person decides.
set -eu
export LC_ALL=C # lengths are numbers of bytes
files=$1/appendonlydir
most=1048576 # bytes to cut off: more than Redis writes at once

refuse() {
  echo "repair: $*. Nothing was changed. See docs/runbooks.md, section 'When a file of Redis is damaged'" >&2
  exit 1
}

# Succeeds if no file can have a number. That is so on a new disk, and after Redis was killed during its very first start.
is_new() {
  [ ! -e "$1/complete" ] || return # node.sh of Redis Cluster has found all data on this disk
  for file in "$files"/*.incr.aof; do
    [ ! -s "$file" ] || return
  done
  for file in "$files"/*.base.rdb; do
    [ ! -e "$file" ] || redis-check-rdb "$file" | grep -qx '\[info\] 0 keys read' || return
  done
}

# number SIGN LINE: prints the number in a line that is the sign and a number
number() {
  number=${2#"$1"}
  case $number in "$2" | '' | *[!0-9]*) return 1 ;; esac
  echo "$number"
}

# Succeeds if standard input is the beginning of one command, or of one transaction, and after it only zero bytes. A command is
# a line with the number of its words, and for each word a line with its length and a line with the word. Only the commands
# around a transaction, MULTI and EXEC, have one word.
is_cut() {
  # The shell cannot read zero bytes. The additional one makes the last line incomplete, if it is not.
  { cat && printf '\0'; } | tr '\0' '\1' | sed "\$s/$(printf '\1')*\$//" | (
    end=$(printf '\r')
    missing=0 # lines of the command
    transaction=no
    while IFS= read -r line; do
      text=${line%"$end"}
      [ "$text" != "$line" ] || exit
      if [ $missing = 0 ]; then
        words=$(number '*' "$text") && [ "$words" != 0 ] || exit
        missing=$((2 * words))
        continue
      fi
      missing=$((missing - 1))
      if [ $((missing % 2)) = 1 ]; then
        size=$(number '$' "$text") || exit
      else
        [ ${#text} = "$size" ] || exit
        case $missing/$transaction/$words/$text in
          0/no/1/MULTI) transaction=yes ;;
          0/no/* | 0/yes/1/*) exit 1 ;;
        esac
      fi
    done
    text=${line%"$end"}
    case $missing in
      0) [ ! "$text" ] || [ "$text" = '*' ] || number '*' "$text" >/dev/null ;;
      *[02468]) [ ! "$text" ] || [ "$text" = '$' ] || number '$' "$text" >/dev/null ;;
      *) [ ${#text} -le "$size" ] ;;
    esac
  )
}

if [ ! -e "$files/appendonly.aof.manifest" ]; then
  is_new "$1" || refuse "appendonly.aof.manifest is missing, and without it Redis would start empty"
  exit 0
fi

# Redis itself checks all other files, and does not start if one is damaged or missing.
cd "$files"
last=$(sed -n 's/^file \([^ ]*\) .* type i.*/\1/p' appendonly.aof.manifest | tail -n 1)
[ -s "$last" ] || exit 0
! report=$(redis-check-aof "$last" 2>&1) || exit 0

intact=$(echo "$report" | sed -n 's/^AOF analyzed: .* ok_up_to=\([0-9]*\),.*/\1/p')
[ "$intact" ] || refuse "redis-check-aof cannot read $last: $report"
damaged=$(($(wc -c <"$last") - intact))
if [ $damaged -gt $most ] || ! tail -c $damaged "$last" | is_cut; then
  refuse "the last $damaged bytes of $last are damaged in a way that no crash explains: $report"
fi

copy=$(date -u +%Y%m%dT%H%M%SZ)-$last-$intact
mkdir -p ../removed
tail -c $damaged "$last" >"../removed/$copy"
sync "../removed/$copy" ../removed
truncate -s "$intact" "$last"
sync "$last"
echo "repair: the last $damaged bytes of $last were an incomplete command, which was never answered: moved to removed/$copy"
