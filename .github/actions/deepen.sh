#!/usr/bin/env bash
# Fetches what a shallow checkout lacks to be compared with its base, and says whether anything is still missing. Of the
# pull request nothing is run: git checks nothing out, and no hook, file monitor or submodule is asked.
set -euo pipefail
PATH=$SAFE_PATH
export GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
settings=(-c core.hooksPath=/dev/null -c core.fsmonitor=false -c safe.bareRepository=explicit -c gc.auto=0)
settings+=(-c maintenance.auto=false -c fetch.recurseSubmodules=false -c fetch.writeCommitGraph=false)
git() { command git "${settings[@]}" "$@"; }
# A base that HEAD contains is the merge base. Of any other, a cut history could show a wrong one.
enough() { git merge-base --is-ancestor "$BASE" HEAD 2>/dev/null; }
say() { echo "lacking=$1" >>"$GITHUB_OUTPUT"; exit 0; }
if [ "$(git rev-parse --is-shallow-repository 2>/dev/null)" != true ] || enough; then say false; fi
if [ "$FETCH" = deepen ]; then
  if [ -n "$TOKEN" ]; then # not as an argument, which other programs can see
    basic=$(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$SERVER/.extraheader" GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $basic"
  fi
  wanted=("$(git rev-parse HEAD)")
  case $BASE in
    -*) say true ;;
    origin/*) wanted+=("+refs/heads/${BASE#origin/}:refs/remotes/$BASE") ;;
    *[!0-9a-f]*) ;; # HEAD~1 and the like come with HEAD
    *) wanted+=("$BASE") ;;
  esac
  for depth in --deepen=50 --unshallow; do
    git fetch --quiet --no-tags "$depth" origin "${wanted[@]}" || break
    if enough || [ "$(git rev-parse --is-shallow-repository)" != true ]; then say false; fi
  done
fi
echo "::error title=mlspec diff::the checkout is shallow and lacks the base: use actions/checkout with fetch-depth: 0"
say true
