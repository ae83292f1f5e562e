// An id in a list. If it is too long, its middle is left out: ids of one time begin in the same way. What is copied is the whole id.
import { ID_END } from "./format.ts";

export function CutId({ id }: { readonly id: string }) {
	return (
		<div className="id-cut mono dim" title={id}>
			<span className="cut">{id.slice(0, -ID_END)}</span>
			<span>{id.slice(-ID_END)}</span>
		</div>
	);
}
