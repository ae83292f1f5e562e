// Loaded before the server, in each of its threads: its connections to receivers come from an address of its own, by which they tell processes apart. The server's
// own code has no hook for this.
import { Socket, type TcpSocketConnectOpts } from "node:net";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const VARIABLE = "TORTURE_SOURCE_ADDRESS";
/** Threads of the server have an empty environment. */
if (isMainThread) setEnvironmentData(VARIABLE, process.env[VARIABLE]);
const ADDRESS = getEnvironmentData(VARIABLE) as string | undefined;

type Connect = (this: Socket, ...args: unknown[]) => Socket;
const prototype = Socket.prototype as unknown as { connect: Connect };
const { connect } = prototype;

prototype.connect = function (...args) {
	const [first] = args;
	// `net.connect` passes a list with the options in it.
	const options = (Array.isArray(first) ? (first as unknown[])[0] : first) as TcpSocketConnectOpts | undefined;
	if (typeof options === "object" && options.host === "127.0.0.1") options.localAddress = ADDRESS;
	return connect.apply(this, args);
};
