// The screens for an address that leads nowhere, and for a failure of the page itself.
import { Button } from "@mantine/core";
import { Link, useRouter, type ErrorComponentProps } from "@tanstack/react-router";

import { Problem } from "../../parts/feedback/problem.tsx";
import { Logo } from "../../parts/layout/logo.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";

const NO_PAGE = "There is no such page";
const INCOMPLETE = "The address may be incomplete.";

export function NotFoundScreen() {
	const router = useRouter();
	return (
		<main className="center">
			<div className="stack">
				<Logo size={40} />
				<PageHead title={NO_PAGE} />
				<p className="flat dim">{INCOMPLETE}</p>
				<div className="bar">
					<Button onClick={() => void router.navigate({ to: "/" })}>Go to the start</Button>
				</div>
			</div>
		</main>
	);
}

/** In a project, whose navigation stays. */
export function NoSuchScreen() {
	return (
		<>
			<PageHead title={NO_PAGE} />
			<div className="card card-pad stack tight">
				<p className="flat">{INCOMPLETE}</p>
				<Link className="link" from="/$projectId" to="/$projectId" search={{}}>
					Go to the overview ›
				</Link>
			</div>
		</>
	);
}

/** Of code that has not come, or has failed: the router keeps that failure, so only loading the page anew helps. */
export function FailureScreen({ error }: ErrorComponentProps) {
	return (
		<div className="stack card card-pad">
			<PageHead title="This could not be shown" />
			<Problem error={error} />
			<p className="flat dim">The server may be away, or was updated while this tab was open.</p>
			<div className="bar">
				<Button onClick={() => location.reload()}>Reload the page</Button>
			</div>
		</div>
	);
}

/** The same where there is no frame of a project around it. */
export function WholeFailureScreen(props: ErrorComponentProps) {
	return (
		<main className="content">
			<FailureScreen {...props} />
		</main>
	);
}
