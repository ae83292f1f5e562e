// The addresses that requests come from, for those behind a firewall.
import { useEgressAddresses } from "../session/queries.ts";
import { useTexts } from "../texts/reader.tsx";
import { CopyButton } from "./copy.tsx";

export function Egress() {
	const { egress } = useTexts();
	const { data: addresses = [] } = useEgressAddresses();
	if (addresses.length === 0) return null;
	return (
		<section className="card pad stack tight" aria-label={egress.title}>
			<h2>{egress.title}</h2>
			<p className="flat dim">{egress.text}</p>
			<div className="secret" dir="ltr">
				<code>{addresses.join(", ")}</code>
				<CopyButton text={addresses.join("\n")} label={egress.title} />
			</div>
		</section>
	);
}
