-- The certificate of a handshake, by its name. nginx 1.26 parses the file anew for each, which takes as long as half of the handshake;
-- here it is looked at each time, and read when it is another than before: files are replaced, never written to.
local ffi = require "ffi"
local ssl = require "ngx.ssl"
local lrucache = require "resty.lrucache"

local DIRECTORY = "/srv/subako"
-- The same on every architecture, unlike what stat gives.
ffi.cdef [[
  struct subako_statx { char before[32]; char ino[8]; char between[56]; char ctime[16]; char after[144]; };
  int statx(int directory, const char *path, int flags, unsigned int mask, struct subako_statx *found);
]]
local AT_FDCWD, INO_CTIME = -100, 0x180
local found = ffi.new "struct subako_statx"
-- Of each worker; some 20 KiB each.
local parsed = assert(lrucache.new(1000))

-- Lower case, no trailing dot; nil for what could be no site's name.
local function canonical(name)
  name = name and name:lower():gsub("%.$", "")
  if not name or #name > 253 or not name:find("^[a-z0-9][a-z0-9.-]*$") or not name:find("[a-z0-9]$") then return nil end
  return name
end

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- What tells a file from the one that was there before; nil where there is none.
local function which(path)
  if ffi.C.statx(AT_FDCWD, path, 0, INO_CTIME, found) ~= 0 then return nil end
  return ffi.string(found.ino, 8) .. ffi.string(found.ctime, 16)
end

local function pair_of(name)
  local path = DIRECTORY .. "/" .. name .. "/pair.pem"
  local version = which(path)
  local pair = parsed:get(name)
  if pair and pair.version == version then return pair end
  parsed:delete(name)
  local pem = version and read(path)
  if not pem then return nil end
  -- Replaced since it was looked at, it is read once more the next time.
  pair = { version = version, chain = ssl.parse_pem_cert(pem), key = ssl.parse_pem_priv_key(pem) }
  if not pair.chain or not pair.key then return nil end
  parsed:set(name, pair)
  return pair
end

local M = {}

-- Ends the handshake where there is none.
function M.present()
  local name = canonical(ssl.server_name())
  local pair = name and pair_of(name)
  if not pair or not ssl.clear_certs() or not ssl.set_cert(pair.chain) or not ssl.set_priv_key(pair.key) then return ngx.exit(ngx.ERROR) end
end

return M
