// An id in a list. If it is too long, its middle is left out: ids of one time begin in the same way.

const END = 8;

export function CutId({ id }: { readonly id: string }) {
	return (
		<div className="id-cut mono dim" title={id}>
			<span className="cut">{id.slice(0, -END)}</span>
			<span>{id.slice(-END)}</span>
		</div>
	);
}
