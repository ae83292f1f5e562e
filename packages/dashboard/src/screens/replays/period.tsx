// When the events of a replay were accepted.
import { Time } from "../../parts/text/time.tsx";

interface PeriodProps {
	/** In milliseconds since the epoch; 0 for all events until then. */
	readonly since: number;
	readonly until: number;
	readonly form: "short" | "exact";
}

export function Period({ since, until, form }: PeriodProps) {
	return (
		<>
			{since === 0 ? (
				"until "
			) : (
				<>
					<Time at={since} form={form} /> –{" "}
				</>
			)}
			<Time at={until} form={form} />
		</>
	);
}
