// What is shown while something is loaded, or instead of it if that failed.
import { NotFoundError } from "@fanfare/sdk";

import { MissingScreen } from "../screens/ended/ended.tsx";
import { useTexts } from "../texts/reader.tsx";
import { Problem } from "./problem.tsx";

export function Loading({ error, rows = 3 }: { readonly error: unknown; readonly rows?: number }) {
	const texts = useTexts();
	// The address may name what is somebody else's.
	if (error instanceof NotFoundError) return <MissingScreen />;
	if (error !== null && error !== undefined) return <Problem error={error} />;
	return (
		<div className="stack" role="status" aria-label={texts.loading}>
			{Array.from({ length: rows }, (_, index) => (
				<div key={index} className="shimmer" />
			))}
		</div>
	);
}
