// The server has no setting for the address it listens on; tests are for this machine only.
const { Server } = require("net")
const listen = Server.prototype.listen
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, "127.0.0.1", ...rest)
}
