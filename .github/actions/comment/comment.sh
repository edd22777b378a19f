#!/usr/bin/env bash
# Keeps one comment on a pull request up to date: FOLDER/comment.md, found again by the hidden marker in its last line.
# The folder may come from a job that ran a stranger's branch: which pull request it is for is not read from it.
set -euo pipefail
FOLDER=$(cd -- "$FOLDER" && pwd -P)
if [ -L "$FOLDER/comment.md" ] || [ ! -f "$FOLDER/comment.md" ]; then
  echo "comment.md is no regular file" >&2
  exit 1
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
body=$(mktemp)
head --bytes 240000 "$FOLDER/comment.md" | iconv -c -f UTF-8 -t UTF-8 >"$body"
marker=$(tail -n 1 "$body")
if ! [[ $marker =~ ^'<!-- mlspec:diff:'[A-Za-z][A-Za-z0-9_-]*' -->'$ ]]; then
  echo "comment.md does not end in the marker of mlspec diff" >&2
  exit 1
fi
known=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" \
  --jq ".[] | select(.user.type == \"Bot\" and (.body | rtrimstr(\"\\n\") | endswith(\"$marker\"))) | .id")
if [ -n "$known" ]; then
  gh api --method PATCH "repos/$REPOSITORY/issues/comments/${known%%$'\n'*}" -F "body=@$body" >/dev/null
else
  gh api --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" -F "body=@$body" >/dev/null
fi
