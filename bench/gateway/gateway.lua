-- A small gateway in Lua: a context for each request, a route match, plugins sorted by priority and run in four
-- phases, keys in a shared dictionary, a balancer, three counters. Written for this benchmark.
local balancer = require("ngx.balancer")
local consumers, metrics = ngx.shared.consumers, ngx.shared.metrics
local M = {}

function M.load(file)
  for line in io.lines(file) do
    local key, name = line:match('^"([^"]+)" "([^"]+)";$')
    if key then
      local ok, why = consumers:safe_set(key, name .. "|key-of-" .. name)
      if not ok then error("the shared dictionary is full: " .. why) end
    end
  end
end

local key_auth = { name = "key-auth", priority = 2500 }

function key_auth.rewrite(ctx, conf)
  local key = ngx.req.get_headers()[conf.header]
  if not key then return 401, '{"message":"Missing API key in request"}\n' end
  local value = type(key) == "string" and consumers:get(key)
  if not value then return 401, '{"message":"Invalid API key in request"}\n' end
  local at = value:find("|", 1, true)
  ctx.consumer = { name = value:sub(1, at - 1), credential = value:sub(at + 1) }
  if conf.hide_credentials then ngx.req.clear_header(conf.header) end
  ngx.req.set_header("X-Consumer-Username", ctx.consumer.name)
  ngx.req.set_header("X-Credential-Identifier", ctx.consumer.credential)
end

local prometheus = { name = "prometheus", priority = 500 }

function prometheus.log(ctx)
  metrics:incr("requests|" .. ctx.route.id .. "|" .. ngx.status, 1, 0)
  metrics:incr("consumer|" .. (ctx.consumer and ctx.consumer.name ~= "" and "known" or "none"), 1, 0)
  metrics:incr("seconds|" .. ctx.route.id, tonumber(ngx.var.request_time) or 0, 0)
end

local request_id = { name = "request-id", priority = 12015 }

function request_id.rewrite(ctx)
  ctx.request_id = ngx.var.http_x_request_id or ngx.var.request_id
  ngx.req.set_header("X-Request-Id", ctx.request_id)
end

function request_id.header_filter(ctx)
  ngx.header["X-Request-Id"] = ctx.request_id
end

local routes = {
  ["/ip"] = {
    id = "r",
    methods = { GET = true, POST = true },
    plugins = {
      { plugin = key_auth, conf = { header = "apikey", hide_credentials = true } },
      { plugin = prometheus, conf = {} },
      { plugin = request_id, conf = {} },
    },
  },
}
for _, route in pairs(routes) do
  table.sort(route.plugins, function(a, b) return a.plugin.priority > b.plugin.priority end)
end

local function context()
  local ctx = ngx.ctx.gateway
  if not ctx then
    ctx = { uri = ngx.var.uri, method = ngx.req.get_method(), host = ngx.var.host, remote = ngx.var.remote_addr }
    ctx.route = routes[ctx.uri]
    ngx.ctx.gateway = ctx
  end
  return ctx
end

function M.run(phase)
  local ctx = context()
  local route = ctx.route
  if not route or not route.methods[ctx.method] then
    if phase ~= "rewrite" then return end
    ngx.status = 404
    ngx.print('{"error_msg":"404 Route Not Found"}\n')
    return ngx.exit(404)
  end
  for _, entry in ipairs(route.plugins) do
    local act = entry.plugin[phase]
    if act then
      local status, body = act(ctx, entry.conf)
      if status then
        ngx.status = status
        ngx.print(body)
        return ngx.exit(status)
      end
    end
  end
end

function M.balance(address)
  local host, port = address:match("^(.*):(%d+)$")
  assert(balancer.set_current_peer(host, tonumber(port)))
end

return M
