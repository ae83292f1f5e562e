// The screens for an address that leads nowhere, and for a failure of the page itself.
import { Button } from "@mantine/core";
import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";

import { Problem } from "../../parts/feedback/problem.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";

export function NotFoundScreen() {
	const router = useRouter();
	return (
		<div className="center">
			<div className="stack">
				<PageHead title="There is no such page" />
				<p className="dim">The address may be incomplete.</p>
				<div className="bar">
					<Button onClick={() => void router.navigate({ to: "/" })}>Go to the start</Button>
				</div>
			</div>
		</div>
	);
}

export function FailureScreen({ error, reset }: ErrorComponentProps) {
	return (
		<div className="stack card card-pad">
			<PageHead title="This could not be shown" />
			<Problem error={error} onRetry={async () => reset()} />
			<p className="dim">If the server was updated while this tab was open, reload the page.</p>
			<div className="bar">
				<Button variant="default" onClick={() => location.reload()}>
					Reload
				</Button>
			</div>
		</div>
	);
}
