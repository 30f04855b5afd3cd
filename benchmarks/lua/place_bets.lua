-- Places bets: every request is a new bet with an Idempotency-Key of its own.
-- wrk … -s place_bets.lua URL -- RUN FIRST_TENANT TENANTS USERS
-- RUN is a number that no other run on the same database has.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "summary.lua")

local run, tenants, users
local sent = 0
local heads, tails = {}, {}

function init(args)
   run, tenants, users = tonumber(args[1]), tonumber(args[3]), tonumber(args[4])
   math.randomseed(run * 1000 + thread_number)
   local head = "POST /bets HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
      .. "X-Tenant-Id: %d\r\nIdempotency-Key: "
   for n = 1, tenants do
      heads[n] = head:format(wrk.headers["Host"], tonumber(args[2]) + n - 1)
   end
   local bet = '{"user_id": "user-%d", "stake": %d.%02d, "odds": %d.%02d, "fixture_id": "fixture-%d"}'
   for n = 1, users do
      local body = bet:format(n, math.random(1, 99), math.random(0, 99),
         math.random(2, 9), math.random(0, 99), math.random(1, 500))
      tails[n] = ("\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
   end
end

-- Keys begin at random, as those of clients do, so that they meet the whole of an index; the
-- numbers behind make them unique.
function request()
   sent = sent + 1
   local key = ("%08x-%08x-%d-%d-%d"):format(
      math.random(0, 0xffffffff), math.random(0, 0xffffffff), run, thread_number, sent)
   return heads[math.random(tenants)] .. key .. tails[math.random(users)]
end
