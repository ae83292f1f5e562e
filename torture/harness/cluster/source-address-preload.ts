// Loaded before the server: its connections to receivers come from an address of its own, by which they tell processes apart. The server's
// own code has no hook for this.
import { Socket, type TcpSocketConnectOpts } from "node:net";

const ADDRESS = process.env["TORTURE_SOURCE_ADDRESS"];

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
