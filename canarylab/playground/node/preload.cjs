// Makes an ordinary Node program live in a pod of the playground.
//
// In a real pod the program has a network of its own: it may listen on any port, and its host
// name is the pod's. Here all pods share one machine, and each has a loopback address of its own.
// So "listen on every address" becomes "listen on the pod's address", and "this machine" the pod.
// What listens on localhost alone gets an address that nobody else knows: as in a real pod, a
// probe or a Service does not reach it.
'use strict';

const podIp = process.env.CANARYLAB_POD_IP;

if (podIp) {
  const net = require('node:net');
  const os = require('node:os');
  const modules = require('node:module');

  const inside = podIp === '127.0.0.1' // run without a cluster: this address is nobody else's
    ? podIp : podIp.replace(/^127\.(\d+)\./, (_, second) => `127.${Number(second) + 64}.`);
  const onlyInside = new Set(); // ports this process listens on for itself

  const everywhere = new Set(['', '0.0.0.0', '::', '::0', '0:0:0:0:0:0:0:0', '*']);
  const here = new Set(['localhost', '127.0.0.1', '::1', 'ip6-localhost']);

  /** @param {import('node:net').Server} server @param {unknown} host */
  const addressFor = (server, host) => {
    if (host === undefined || host === null || everywhere.has(String(host))) return podIp;
    if (!here.has(String(host))) return host;
    server.once('listening', () => {
      const { port } = server.address();
      onlyInside.add(port);
      server.once('close', () => onlyInside.delete(port));
    });
    return inside;
  };

  const isPort = (value) =>
    value === undefined || value === null ||
    typeof value === 'number' ||
    (typeof value === 'string' && value.trim() !== '' && Number(value) >= 0);

  // What was compiled for this program is kept for the next pod that runs it, which so starts in
  // less time and with 10 MB less. Node itself keeps it only if it ends in an orderly way.
  let isKept = false;
  const keepCompiled = () => {
    if (!isKept) setTimeout(() => modules.flushCompileCache?.(), 300).unref();
    isKept = true;
  };

  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (first, ...rest) {
    this.once('listening', keepCompiled);
    if (isPort(first)) {
      const hasHost = typeof rest[0] === 'string' || rest[0] === null;
      const host = addressFor(this, hasHost ? rest.shift() : undefined);
      if (rest[0] === undefined) rest.shift();
      return listen.call(this, first ?? 0, host, ...rest);
    }
    const asksForPort = typeof first === 'object' && first.path === undefined &&
      first.fd === undefined && isPort(first.port) && !first._handle && !first.handle;
    if (!asksForPort) {
      return typeof first === 'function'
        ? listen.call(this, 0, podIp, first, ...rest)
        : listen.call(this, first, ...rest);
    }
    const host = addressFor(this, first.host);
    return listen.call(this, { ...first, port: first.port ?? 0, host, ipv6Only: false }, ...rest);
  };

  const connect = net.Socket.prototype.connect;
  const towards = (host, port) => {
    const isHere = host === undefined || host === null || here.has(String(host));
    if (!isHere || !isPort(port) || port === undefined) return host;
    return onlyInside.has(Number(port)) ? inside : podIp;
  };
  net.Socket.prototype.connect = function (...args) {
    const options = Array.isArray(args[0]) ? args[0][0] : args[0]; // net.connect passes an array
    if (options !== null && typeof options === 'object' && !options.path) {
      const redirected = { ...options, host: towards(options.host, options.port) };
      if (Array.isArray(args[0])) args[0][0] = redirected;
      else args[0] = redirected;
    } else if (typeof options === 'number' && typeof args[1] !== 'string') {
      args.splice(1, 0, towards(undefined, options));
    } else if (typeof options === 'number') {
      args[1] = towards(args[1], options);
    }
    return connect.apply(this, args);
  };

  const podName = process.env.HOSTNAME || os.hostname();
  os.hostname = () => podName;
  os.networkInterfaces = () => ({
    eth0: [{
      address: podIp, netmask: '255.255.248.0', family: 'IPv4',
      mac: '00:00:00:00:00:00', internal: false, cidr: `${podIp}/21`,
    }],
  });
  modules.syncBuiltinESMExports();
}
