# shellcheck shell=bash
# Functions for fork and promote: write all files or none, and edit `images:` in the kustomization.yaml of an overlay.
set -euo pipefail
export LC_ALL=C # so that a-z matches only these letters in every locale

# fail MESSAGE…: prints the message and ends the script
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

require_clean_tree() {
  [[ -z $(git status --porcelain --untracked-files=no) ]] || fail "the working tree has uncommitted changes: commit or stash them"
}

# New files are written below the folder $new, and then replace all old files together.
scratch=$(mktemp -d)
new=$scratch/new
replacing=''
at_end() {
  if [[ $replacing ]]; then
    (cd "$new" && find . -type f -print0) | xargs -0 git --literal-pathspecs checkout --quiet --
  fi
  rm -rf "$scratch"
}
trap at_end EXIT

# replace_files: replaces the files. The end of the script undoes this, unless the caller empties `replacing` before.
replace_files() {
  replacing=yes
  cp -R "$new/." . || fail "a file could not be written, for the reason above: nothing was changed"
}

# No program of a standard installation edits YAML and keeps its comments. The functions below understand a list with
# one key on each line, in any order, as people and `kustomize edit set image` write it. They reject everything else.

# A value in double, single or no quotes, and the rest of its line.
value_shape="(\"[^\"\\\\]*\"|'[^']*'|[^][:space:][{}&*!|>%@\`#,'\"][^[:space:]]*)"
end_shape='([[:space:]]*|[[:space:]]+#.*)$'
key_shape="^( *(- +)?)([A-Za-z]+): +$value_shape$end_shape"

# unquoted VALUE: prints VALUE without its quotes
unquoted() {
  local text=$1
  if [[ $text == [\"\']* ]]; then text=${text:1:${#text}-2}; fi
  printf '%s' "$text"
}

# read_image FILE NAME: applies `images:` of FILE to an image of this name, as Kustomize does: in order, each entry
# applies if its name is the current name of the image. Sets image, tag and digest; the last two are empty if no entry
# has them. The other variables are for print_image. Returns 1 if no entry applies.
read_image() {
  local file=$1 line entry=0 list='' margin='' i
  local name=() new_name=() new_tag=() new_digest=()
  lines=() entry_of=() says=('')
  while IFS= read -r line || [[ -n $line ]]; do
    lines+=("$line") entry_of+=(0)
    case $line in
      images:*) list=yes ;;
      [!\ #-]*) list='' ;; # the field after images:
    esac
    if [[ ! $list || $line =~ ^[[:space:]]*(#.*)?$ || $line =~ ^images:$end_shape ]]; then continue; fi

    [[ $line =~ $key_shape ]] || misread
    if [[ ${BASH_REMATCH[2]} ]]; then
      entry=$((entry + 1)) margin=${BASH_REMATCH[1]//-/ }
      name[entry]='' new_name[entry]='' new_tag[entry]='' new_digest[entry]='' says[entry]=' '
    fi
    [[ $entry -gt 0 && ${BASH_REMATCH[1]//-/ } == "$margin" ]] || misread
    entry_of[${#lines[@]} - 1]=$entry says[entry]+="${BASH_REMATCH[3]} "
    case ${BASH_REMATCH[3]} in
      name) name[entry]=$(unquoted "${BASH_REMATCH[4]}") ;;
      newName) new_name[entry]=$(unquoted "${BASH_REMATCH[4]}") ;;
      newTag) new_tag[entry]=$(unquoted "${BASH_REMATCH[4]}") ;;
      digest) new_digest[entry]=$(unquoted "${BASH_REMATCH[4]}") ;;
      *) misread ;;
    esac
  done <"$file"

  image=$2 tag='' digest='' chain=' '
  for ((i = 1; i <= entry; i++)); do
    if [[ ${name[i]} != "$image" ]]; then continue; fi
    chain+="$i "
    image=${new_name[i]:-$image}
    if [[ ${new_tag[i]}${new_digest[i]} ]]; then
      tag=${new_tag[i]%%@*} digest=${new_digest[i]}
      if [[ ${new_tag[i]} == *@* ]]; then digest=${new_tag[i]#*@}; fi # Kustomize also accepts TAG@DIGEST
    fi
  done
  [[ $chain != ' ' ]]
}

misread() {
  fail "$file, line ${#lines[@]}: '$line' is not understood:" \
    "write name, newName, newTag and digest of an image each on a separate line"
}

# print_image NAME TAG DIGEST: prints the file of the last read_image with these values. DIGEST may be empty.
print_image() {
  local n entry lead pad rest carried=''
  for ((n = 0; n < ${#lines[@]}; n++)); do
    entry=${entry_of[n]}
    if [[ $chain != *" $entry "* ]]; then
      printf '%s\n' "${lines[n]}"
      continue
    fi
    [[ ${lines[n]} =~ $key_shape ]]
    lead=${carried:-${BASH_REMATCH[1]}} pad=${BASH_REMATCH[1]//-/ } rest=${BASH_REMATCH[5]} carried=''
    case ${BASH_REMATCH[3]} in
      newTag)
        printf '%s\n' "${lead}newTag: $2$rest"
        if [[ $3 && ${says[entry]} != *' digest '* ]]; then printf '%s\n' "${pad}digest: $3"; fi
        ;;
      digest)
        if [[ ${says[entry]} != *' newTag '* ]]; then
          printf '%s\n' "${lead}newTag: $2"
          lead=$pad
        fi
        if [[ $3 ]]; then printf '%s\n' "${lead}digest: $3$rest"; else carried=$lead; fi
        ;;
      name)
        printf '%s\n' "${lead}${lines[n]:${#pad}}"
        if [[ $chain != " $entry "* ]]; then continue; fi
        if [[ $image != "$1" ]]; then printf '%s\n' "${pad}newName: $1"; fi
        if [[ ! $tag$digest ]]; then printf '%s\n' "${pad}newTag: $2" ${3:+"${pad}digest: $3"}; fi
        ;;
      *) printf '%s\n' "${lead}${lines[n]:${#pad}}" ;;
    esac
  done
}
