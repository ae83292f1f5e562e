// The child process's side of `Child`: serves its calls, and ends when the parent process ends.
import type { CallMessage, Calls, ReplyMessage } from "./call-messages.ts";

/** Serves calls from the parent process with these functions. */
export function serveCalls<C extends Calls<C>>(calls: C): void {
	process.on("disconnect", () => process.exit());
	process.on("message", (message) => void answer(calls, message as CallMessage));
}

async function answer<C extends Calls<C>>(calls: C, { id, name, parameters }: CallMessage): Promise<void> {
	try {
		const call = calls[name as keyof C];
		reply({ id, result: await call(...(parameters as never[])) });
	} catch (error) {
		reply({ id, error: error instanceof Error ? error.message : String(error) });
	}
}

function reply(message: ReplyMessage): void {
	process.send?.(message);
}
