module.exports = require('tls-graceful-shutdown');
