-- What an operator's day brings: of 100 requests 75 place a bet, 5 repeat an earlier request,
-- 10 move a bet that this run placed, 10 are payments.
-- wrk … -s mixed.lua URL -- RUN FILE
-- RUN is a number that no other run on the same database has. FILE holds a tenant and a user in
-- every line: the requests take theirs from it in turn, so it says how both are distributed.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "summary.lua")

local REMEMBERED = 2000 -- requests that a repeat may be of

answers = {} -- by kind; read by summary.lua

local run, host
local sent = 0
local draws, drawn = {}, 0
local recent = {}
local open = {} -- bets that are placed or confirmed and that no request in flight moves

function init(args)
   run, host = tonumber(args[1]), wrk.headers["Host"]
   math.randomseed(run * 1000 + thread_number)
   for line in io.lines(args[2]) do
      local tenant, user = line:match("^(%d+) (%S+)$")
      table.insert(draws, { tenant = tenant, user = user })
   end
   drawn = math.random(#draws)
end

local function draw()
   drawn = drawn % #draws + 1
   return draws[drawn]
end

-- The tenant ends the key, so that the answer to a bet, which holds its key, tells the tenant.
local function post(path, tenant, body)
   sent = sent + 1
   local key = ("%08x-%08x-%d-%d-%d-%s"):format(math.random(0, 0xffffffff),
      math.random(0, 0xffffffff), run, thread_number, sent, tenant)
   local text = ("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
      .. "X-Tenant-Id: %s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s"):format(
      path, host, tenant, key, #body, body)
   recent[(sent - 1) % REMEMBERED + 1] = text
   return text
end

local function place()
   local by = draw()
   return post("/bets", by.tenant, (
      '{"user_id": "%s", "stake": %d.%02d, "odds": %d.%02d, "fixture_id": "fixture-%d"}'):format(
      by.user, math.random(1, 99), math.random(0, 99),
      math.random(2, 9), math.random(0, 99), math.random(1, 500)))
end

local function pay()
   local by, kind = draw(), '"deposit"'
   local chance = math.random(10)
   if chance == 1 then
      kind = '"withdrawal"'
   elseif chance == 2 then
      kind = '"withdrawal", "mode": "instant"'
   end
   return post("/payments", by.tenant, ('{"user_id": "%s", "amount": %d, "type": %s}'):format(
      by.user, math.random(1, 99), kind))
end

local function move()
   local at = math.random(#open)
   local bet = open[at]
   open[at] = open[#open]
   table.remove(open)
   local path, chance = "/bets/" .. bet.id, math.random(10)
   if bet.status == "placed" and chance <= 5 then
      return post(path .. "/confirm", bet.tenant, "")
   elseif chance <= 6 then
      return post(path .. "/cancel", bet.tenant, "")
   elseif chance <= 8 then
      return post(path .. "/settle", bet.tenant, '{"result": "win"}')
   end
   return post(path .. "/settle", bet.tenant, '{"result": "loss"}')
end

function request()
   local chance = math.random(100)
   if chance <= 5 and #recent > 0 then
      return recent[math.random(#recent)]
   elseif chance <= 15 then
      return pay()
   elseif chance <= 25 and #open > 0 then
      return move()
   end
   return place()
end

local function kind_of(status, body)
   if status >= 400 then
      return ("%d %s"):format(status, body:match('"type":"/problems/([^"]+)"') or "")
   elseif body:find('"duplicate":true', 1, true) then
      return "repeated"
   elseif body:find('"payment_id":', 1, true) then
      return "paid"
   end
   return body:match('"status":"(%a+)"') or ("%d"):format(status)
end

function response(status, _, body)
   local kind = kind_of(status, body)
   answers[kind] = (answers[kind] or 0) + 1
   if kind == "placed" or kind == "confirmed" then
      table.insert(open, {
         id = body:match('"bet_id":"([^"]+)"'),
         tenant = body:match('"idempotency_key":"[^"]*%-(%d+)"'),
         status = kind,
      })
   end
end
