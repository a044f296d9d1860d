//! Before the connection is safe: somebody in between, who sees and changes what is in clear.

use super::{Scene, Then, check};
use crate::support::scripted_imap::{Act, Begins, Pair, has_tls, is_credential, pair, say};

/// What the account is refused with, and whether anything of the password left in clear.
fn refused(begins: Begins, script: Vec<Pair>, code: &str) {
    let mut scene = Scene::fresh(begins);
    scene.bad.script(script);
    let run = scene.look().run.exited(4);
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    let said = code.split('|').any(|code| told.contains(&format!("\"{code}\"")));
    assert!(said, "not {code}: {run}");
    for heard in scene.bad.heard() {
        assert!(!is_credential(&heard.line), "a credential left: {heard:?}");
    }
    assert!(scene.bad.connections() > 0, "it was tried");
}

#[test]
fn an_honest_server_is_signed_in_to_after_starttls_alone() {
    if !has_tls() {
        return;
    }
    for begins in [Begins::StartTls, Begins::Tls] {
        let mut scene = Scene::fresh(begins);
        scene.look().run.ok();
        scene.assert_everything("an honest look", &["a1", "a2", "a3", "w1", "w2", "t1"]);
        let heard = scene.bad.heard();
        assert!(heard.iter().any(|heard| heard.secret && is_credential(&heard.line)));
        let clear = heard.iter().filter(|heard| !heard.secret);
        let clear: Vec<&str> = clear.map(|heard| heard.line.as_str()).collect();
        let expected: &[&str] = match begins {
            Begins::StartTls => &["CAPABILITY", "STARTTLS"],
            _ => &[],
        };
        assert_eq!(clear, expected);
    }
}

#[test]
fn starttls_that_is_stripped_is_missed() {
    if !has_tls() {
        return;
    }
    let without = |text: &str| vec![say(&format!("* CAPABILITY {text}\r\n{{tag}} OK done\r\n"))];
    let cases: Vec<(Vec<Pair>, &str)> = vec![
        (vec![pair("CAPABILITY", without("IMAP4rev1 AUTH=PLAIN"))], "no-tls"),
        (vec![pair("STARTTLS", vec![say("{tag} NO not now\r\n")])], "no-tls"),
        (vec![pair("STARTTLS", vec![say("{tag} BAD what?\r\n")])], "no-tls"),
        (vec![pair("GREETING", vec![say("* PREAUTH welcome back\r\n")])], "injected"),
        (vec![pair("GREETING", vec![say("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")])], "injected"),
        (vec![pair("GREETING", vec![say("* BYE not today\r\n")])], "closed"),
        (vec![pair("GREETING", vec![say("HTTP/1.1 400 Bad\r\n\r\n")])], "malformed"),
        // Never any TLS behind the answer: what comes is plain text.
        (
            vec![pair("STARTTLS", vec![say("{tag} OK go\r\n"), say("* OK hello\r\n"), Act::Close])],
            "injected|tls", // by whether both come at once
        ),
    ];
    for (script, code) in cases {
        refused(Begins::StartTls, script, code);
    }
}

#[test]
fn what_is_injected_before_tls_is_not_heard_behind_it() {
    if !has_tls() {
        return;
    }
    let injected = [
        "{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
        "{tag} OK go\r\nm3 OK signed in\r\n",
        "{tag} OK go\r\n* OK [ALERT] your password has expired\r\n",
        "{tag} OK go\r\n ",
    ];
    for text in injected {
        refused(Begins::StartTls, vec![pair("STARTTLS", vec![say(text)])], "injected");
    }
    // Before the answer: heard, and forgotten with all that was said in clear.
    let mut scene = Scene::fresh(Begins::StartTls);
    let lie = "* CAPABILITY IMAP4rev1 AUTH=PLAIN QRESYNC ENABLE X-GM-EXT-1\r\n";
    scene.bad.script(vec![pair("STARTTLS", vec![say(lie), Act::Usual])]);
    scene.look().run.ok();
    let heard = scene.bad.heard();
    assert!(heard.iter().all(|heard| heard.secret || !is_credential(&heard.line)));
    assert!(!heard.iter().any(|heard| heard.line.contains("QRESYNC")), "{heard:?}");
}

#[test]
fn a_sign_in_that_is_refused_says_so() {
    let no = "{tag} NO [AUTHENTICATIONFAILED] \u{1b}[31mwrong\u{1b}[0m\r\n";
    check("no", vec![pair("AUTHENTICATE", vec![say(no)])], Then::Fails("sign-in"));
    let again = vec![say("+ \r\n+ \r\n+ \r\n"), Act::Hang];
    check("asks again", vec![pair("AUTHENTICATE", again)], Then::Fails("malformed"));
    let signed = "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK so\r\n";
    check("no way", vec![pair("CAPABILITY", vec![say(signed)])], Then::Fails("no-auth"));
}
