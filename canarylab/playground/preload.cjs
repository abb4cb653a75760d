// Lets an ordinary Node program run in a pod of the playground.
//
// In a real pod the program has a network of its own: it may listen on any port, and its host
// name is the pod's. Here all pods share one machine, and each has a loopback address of its own.
// So "listen on all addresses" becomes "listen on the pod's address", and the host name the pod's.
// A server that listens on localhost only gets another address, which is localhost for this pod: as
// in a real pod, a probe or a Service does not reach it, and all Node programs of the pod do.
'use strict';

const podIp = process.env.CANARYLAB_POD_IP;

if (podIp) {
  const fs = require('node:fs');
  const net = require('node:net');
  const os = require('node:os');
  const modules = require('node:module');

  // Without V8's second compiler of three, a pod that has answered a thousand requests takes 39 MB
  // instead of 48; code that runs often is still optimized by the third.
  require('node:v8').setFlagsFromString('--no-maglev');

  const localAddress = podIp === '127.0.0.1' // run without a cluster
    ? podIp : podIp.replace(/^127\.(\d+)\./, (_, second) => `127.${Number(second) + 64}.`);
  const localAddressInTable = localAddress.split('.').reverse()
    .map((part) => Number(part).toString(16).padStart(2, '0')).join('').toUpperCase();

  // Whether a program of this pod, in whichever container, listens on localhost only.
  const isLocalOnly = (port) => {
    const number = Number(port).toString(16).padStart(4, '0').toUpperCase();
    try {
      const table = fs.readFileSync('/proc/self/net/tcp', 'latin1');
      return table.includes(` ${localAddressInTable}:${number} 00000000:0000 0A `);
    } catch {
      return false; // a system without such a table has no cluster either
    }
  };

  const allAddresses = new Set(['', '0.0.0.0', '::', '::0', '0:0:0:0:0:0:0:0', '*']);
  const localHosts = new Set(['localhost', '127.0.0.1', '::1', 'ip6-localhost']);

  const hostToListen = (host) => {
    if (host === undefined || host === null || allAddresses.has(String(host))) return podIp;
    return localHosts.has(String(host)) ? localAddress : host;
  };

  const isPort = (value) =>
    value === undefined || value === null ||
    typeof value === 'number' ||
    (typeof value === 'string' && value.trim() !== '' && Number(value) >= 0);

  // The next pod that runs the program starts sooner and with 10 MB less if compiled code is
  // cached. Node itself writes the cache only when it exits in an orderly way.
  let isFlushed = false;
  const flushCompileCache = () => {
    if (!isFlushed) setTimeout(() => modules.flushCompileCache?.(), 300).unref();
    isFlushed = true;
  };

  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (first, ...rest) {
    this.once('listening', flushCompileCache);
    if (isPort(first)) {
      const hasHost = typeof rest[0] === 'string' || rest[0] === null;
      const host = hostToListen(hasHost ? rest.shift() : undefined);
      if (rest[0] === undefined) rest.shift();
      return listen.call(this, first ?? 0, host, ...rest);
    }
    const isPortOption = typeof first === 'object' && first.path === undefined &&
      first.fd === undefined && isPort(first.port) && !first._handle && !first.handle;
    if (!isPortOption) {
      return typeof first === 'function'
        ? listen.call(this, 0, podIp, first, ...rest)
        : listen.call(this, first, ...rest);
    }
    const host = hostToListen(first.host);
    return listen.call(this, { ...first, port: first.port ?? 0, host, ipv6Only: false }, ...rest);
  };

  const connect = net.Socket.prototype.connect;
  const hostToConnect = (host, port) => {
    const isLocal = host === undefined || host === null || localHosts.has(String(host));
    if (!isLocal || !isPort(port) || port === undefined) return host;
    return isLocalOnly(port) ? localAddress : podIp;
  };
  net.Socket.prototype.connect = function (...args) {
    const options = Array.isArray(args[0]) ? args[0][0] : args[0]; // net.connect passes an array
    if (options !== null && typeof options === 'object' && !options.path) {
      const redirected = { ...options, host: hostToConnect(options.host, options.port) };
      if (Array.isArray(args[0])) args[0][0] = redirected;
      else args[0] = redirected;
    } else if (typeof options === 'number' && typeof args[1] !== 'string') {
      args.splice(1, 0, hostToConnect(undefined, options));
    } else if (typeof options === 'number') {
      args[1] = hostToConnect(args[1], options);
    }
    return connect.apply(this, args);
  };

  // `--inspect=0.0.0.0` in a script of package.json: every pod would want the machine's 9229.
  const debugged = /^--inspect(?:-brk|-wait)?=(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\])/;
  if (process.execArgv.some((word) => debugged.test(word))) {
    const inspector = require('node:inspector');
    if (inspector.url()) inspector.close();
    inspector.open(process.debugPort, podIp);
  }

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
