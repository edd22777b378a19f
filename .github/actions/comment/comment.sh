#!/usr/bin/env bash
# Keeps comments on a pull request up to date: FOLDER/comment.md, and that of each folder in FOLDER, as several artifacts
# are downloaded. A comment is found again by the hidden marker in its last line; beside a file `quiet`, none is begun.
# The folder may come from a job that ran a stranger's branch: which pull request it is for is not read from it.
set -euo pipefail
PATH=${SAFE_PATH:-$PATH}
MOST=50
FOLDER=$(cd -- "$FOLDER" && pwd -P)
texts=()
for text in "$FOLDER/comment.md" "$FOLDER"/*/comment.md; do
  if [ -L "${text%/*}" ] || [ -L "$text" ] || { [ -e "$text" ] && [ ! -f "$text" ]; }; then
    echo "comment.md is no regular file" >&2
    exit 1
  fi
  if [ -e "$text" ]; then texts+=("$text"); fi
done
if [ "${#texts[@]}" = 0 ]; then
  echo "there is no comment.md"
  exit 0
fi
cd / # no program reads settings from a stranger's folder
if [ -z "${NUMBER:-}" ]; then
  NUMBER=$(gh api --method GET "repos/$REPOSITORY/pulls" -f state=open -f "head=$HEAD_OWNER:$HEAD_BRANCH" \
    --jq "[.[] | select(.head.sha == \"$HEAD_SHA\")][0].number // empty")
fi
if [ -z "$NUMBER" ]; then
  echo "no open pull request has this head"
  exit 0
fi
code=0
for text in "${texts[@]:0:$MOST}"; do
  body=$(mktemp)
  head --bytes 240000 "$text" | iconv -c -f UTF-8 -t UTF-8 >"$body"
  marker=$(tail -n 1 "$body")
  if ! [[ $marker =~ ^'<!-- mlspec:diff:'[A-Za-z0-9._~/%-]+' -->'$ ]]; then
    echo "comment.md does not end in the marker of mlspec diff" >&2
    code=1
    continue
  fi
  known=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" \
    --jq ".[] | select(.user.type == \"Bot\" and (.body | rtrimstr(\"\\n\") | endswith(\"$marker\"))) | .id")
  if [ -n "$known" ]; then
    gh api --method PATCH "repos/$REPOSITORY/issues/comments/${known%%$'\n'*}" -F "body=@$body" >/dev/null
  elif [ ! -e "${text%/*}/quiet" ]; then
    gh api --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" -F "body=@$body" >/dev/null
  fi
done
exit "$code"
