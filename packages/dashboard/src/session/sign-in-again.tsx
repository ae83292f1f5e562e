// Asks for signing in again over the screen that is shown, so that neither the place nor what was typed is lost.
import { Modal } from "@mantine/core";

import { Icon } from "../parts/layout/icon.tsx";
import { useSessionEnded } from "./session-state.ts";
import { SignInForm } from "./sign-in-form.tsx";

/** Above drawers and other dialogs. */
const Z_INDEX = 1_000;

export function SignInAgain() {
	const hasEnded = useSessionEnded();
	return (
		<Modal
			opened={hasEnded}
			onClose={() => {}}
			title="Sign in again"
			zIndex={Z_INDEX}
			withCloseButton={false}
			closeOnEscape={false}
			closeOnClickOutside={false}
			centered
		>
			<div className="stack">
				<p className="note info">
					<Icon name="clock" />
					<span>Your session has ended. You go on where you are, and what you typed is still there.</span>
				</p>
				<SignInForm />
			</div>
		</Modal>
	);
}
