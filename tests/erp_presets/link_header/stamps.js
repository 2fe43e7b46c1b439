// The test server's business rules: it stamps what is written, as any system with a modified_at does.
module.exports = (request, response, next) => {
  if (["POST", "PUT", "PATCH"].includes(request.method)) {
    request.body.modified_at = new Date().toISOString().replace("Z", "000Z")
    if (request.method === "POST") request.body.created_at = request.body.modified_at
  }
  next()
}
