-- The certificate of a handshake, by its name. nginx 1.26 parses the file anew for each, which takes as long as half of the handshake;
-- here it is read each time, and parsed when it is another than before.
local ssl = require "ngx.ssl"
local lrucache = require "resty.lrucache"

local DIRECTORY = "/srv/subako"
-- Of each worker; some 20 KiB each.
local parsed = assert(lrucache.new(1000))

-- Lower case, no trailing dot; nil for what could be no site's name.
local function canonical(name)
  name = name and name:lower():gsub("%.$", "")
  if not name or #name > 253 or not name:find("^[a-z0-9][a-z0-9.-]*$") or not name:find("[a-z0-9]$") then return nil end
  return name
end

local function read(name)
  local file = io.open(DIRECTORY .. "/" .. name .. "/pair.pem")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

local function pair_of(name)
  local pem = read(name)
  local pair = parsed:get(name)
  if pair and pair.pem == pem then return pair end
  parsed:delete(name)
  if not pem then return nil end
  pair = { pem = pem, chain = ssl.parse_pem_cert(pem), key = ssl.parse_pem_priv_key(pem) }
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
