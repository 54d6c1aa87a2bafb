# SPDX-License-Identifier: BSD-2-Clause
# estab.bash - completion of the estab command; asks the command itself what there is.
_estab()
{
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=$("${COMP_WORDS[0]}" --help 2>/dev/null |
      sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p; s/.*\(--[a-z][a-z-]*\).*/\1/p')
  elif [[ $command == watch && ${COMP_WORDS[COMP_CWORD - 1]} =~ ^(-i|--interface)$ ]]; then
    words=$(ls /sys/class/net 2>/dev/null && echo any)
  elif [[ $command == watch && ${COMP_WORDS[COMP_CWORD - 1]} == --user ]]; then
    words=$(compgen -u)
  elif [[ $command == watch && ${COMP_WORDS[COMP_CWORD - 1]} == --policy ]]; then
    words='first last linux bsd windows'
  elif [[ $command == watch && ${COMP_WORDS[COMP_CWORD - 1]} == --rows ]]; then
    words='zeek life'
  elif [[ $command == watch && ${COMP_WORDS[COMP_CWORD - 1]} == --set ]]; then
    words=$("${COMP_WORDS[0]}" watch --list-settings 2>/dev/null | sed -n 's/^\([a-z_]*\) .*/\1=/p')
  elif [[ $command == sim && ${COMP_WORDS[COMP_CWORD - 1]} == --scene ]]; then
    words=$("${COMP_WORDS[0]}" sim --list 2>/dev/null | sed -n '/^Scenes/,/^$/s/^  \([a-z-]*\) .*/\1/p')
  elif [[ $word == -* ]]; then
    words=$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null | grep -oE -- '--[a-z0-9-]+' | sort -u)
  fi
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -o filenames -F _estab estab
