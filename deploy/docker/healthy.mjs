// The health check of the image: exit code 0 if the server in this container answers at /healthz.
// In Kubernetes, a service named fanfare sets FANFARE_PORT to an address, which is no setting.
const { FANFARE_PORT = "" } = process.env;
const port = /^\d+$/.test(FANFARE_PORT) ? FANFARE_PORT : "8787";
const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
process.exitCode = response?.ok ? 0 : 1;
