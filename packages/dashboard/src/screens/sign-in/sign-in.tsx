// Signing in: with an API key, or with a sign-in link. The session is a cookie that scripts can't read.
import { getRouteApi, useRouter } from "@tanstack/react-router";

import { Problem } from "../../parts/feedback/problem.tsx";
import { Logo } from "../../parts/layout/logo.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { useLinkResult } from "../../session/session-state.ts";
import { SignInForm } from "../../session/sign-in-form.tsx";

const route = getRouteApi("/sign-in");

export function SignInScreen() {
	const { from } = route.useSearch();
	const router = useRouter();
	const link = useLinkResult();
	const goOn = () => {
		if (from === undefined) void router.navigate({ to: "/", replace: true });
		else router.history.replace(`${router.basepath.replace(/\/$/, "")}${from}`);
	};
	return (
		<main className="center">
			<div className="card card-pad stack narrow">
				<Logo size={40} />
				<PageHead title="Sign in to Fanfare" />
				{link !== undefined && link.error !== null && (
					<Problem error={link.error} what="The link could not sign you in" />
				)}
				<SignInForm onSignedIn={goOn} />
			</div>
		</main>
	);
}
