// Asks for signing in again over the screen that is shown, so that neither the place nor what was typed is lost.
import { Dialog } from "../parts/layout/dialog.tsx";
import { Icon } from "../parts/layout/icon.tsx";
import { useSessionEnded } from "./session-state.ts";
import { SignInForm } from "./sign-in-form.tsx";

export function SignInAgain() {
	const hasEnded = useSessionEnded();
	return (
		<Dialog
			isOnTop
			isOpen={hasEnded}
			onClose={() => {}}
			title="Sign in again"
			hasCloseButton={false}
			closesOnEscape={false}
			closesOnClick={false}
		>
			<div className="stack">
				<p className="note info">
					<Icon name="clock" />
					<span>Your session has ended. You go on where you are, and what you typed is still there.</span>
				</p>
				<SignInForm />
			</div>
		</Dialog>
	);
}
