//! Saved searches: one name for a query, on every device of a user.
//!
//! Invariant: what a name finds is what its query finds; saving and removing are actions like any.

use crate::support::binary::{Home, Run, run, text};
use crate::support::mail::{mail, write};
use crate::support::serve::Serve;

fn subjects(run: Run) -> Vec<String> {
    run.ok().lines().iter().map(|row| text(row, "subject")).collect()
}

fn filled(home: &Home) {
    for (id, body) in [("apples", "red fruit\n"), ("pears", "green fruit\n"), ("tools", "red\n")] {
        write(&home.path(&format!("mail/{id}.eml")), &mail(id).body(body).bytes());
    }
}

fn home() -> Home {
    let home = Home::new();
    filled(&home);
    home.import(&home.path("mail"));
    home
}

/// The saved searches, each as `name=query`.
fn saved(home: &Home) -> Vec<String> {
    let all = home.json(&["search", "--saved"]);
    all.iter().map(|one| format!("{}={}", text(one, "name"), text(one, "query"))).collect()
}

#[test]
fn a_name_asks_what_was_saved_and_undo_takes_it_back() {
    let home = home();
    let ok = |args: &[&str]| home.run(args).ok().object();
    ok(&["search", "--save", "Red Things", "red", "-tools", "--json"]);
    assert_eq!(saved(&home), ["Red Things=red -tools"]);
    let find = |args: &[&str]| subjects(home.run(&[&["search", "--json"], args].concat()));
    let wanted = find(&["red", "-tools"]);
    assert_eq!(wanted, ["apples"]);
    for args in [&["@red-things"][..], &["@\"Red Things\""], &["--saved", "red things"]] {
        assert_eq!(find(args), wanted, "{args:?}");
    }
    assert_eq!(find(&["fruit", "-@red-things"]), ["pears"]);
    ok(&["search", "--save", "red things", "green", "--json"]);
    assert_eq!(
        (saved(&home), find(&["@red-things"])),
        (vec!["red things=green".into()], vec!["pears".into()])
    );
    ok(&["undo", "--json"]);
    assert_eq!(saved(&home), ["Red Things=red -tools"]);
    ok(&["search", "--unsave", "@red-things", "--json"]);
    assert!(saved(&home).is_empty());
    home.run(&["search", "--saved", "red things", "--json"]).exited(3);
    ok(&["undo", "--json"]);
    ok(&["redo", "--json"]);
    assert!(saved(&home).is_empty());
    let history = home.json(&["history"]);
    assert_eq!(text(&history[0], "what"), "remove search Red Things");
    home.assert_healthy("saving searches");
}

#[test]
fn what_cannot_be_asked_is_not_saved() {
    let home = home();
    for args in [
        &["search", "--save", "x", "larger:soon"][..],
        &["search", "--save", " ", "red"],
        &["search", "--save", "x"],
        &["search", "--save", "x", "--saved", "y", "red"],
        &["search", "--save", "x", &"a ".repeat(2_500)],
    ] {
        home.run(args).exited(2);
    }
    home.run(&["search", "--unsave", "nobody"]).exited(3);
    assert!(saved(&home).is_empty());
    // One that asks itself is told of when it is asked.
    home.run(&["search", "--save", "me", "red"]).ok();
    home.run(&["search", "--save", "me", "@me green"]).ok();
    let error = home.run(&["search", "@me", "--json"]).exited(2).error();
    assert!(error.to_string().contains("it asks itself"), "{error}");
}

#[test]
fn every_device_has_it() {
    let serve = Serve::start();
    let (one, two) = (Home::new(), Home::new());
    filled(&one);
    serve.run(&one, &["import", one.path("mail").to_str().expect("text")]).ok();
    serve.run(&one, &["search", "--save", "Red", "red -tools"]).ok();
    serve.sync(&two);
    assert_eq!(saved(&two), ["Red=red -tools"]);
    serve.run(&two, &["search", "--unsave", "red"]).ok();
    serve.sync(&one);
    assert!(saved(&one).is_empty());
}

#[test]
fn a_program_that_does_not_know_it_keeps_it_for_one_that_does() {
    let home = home();
    home.run(&["search", "--save", "Red", "red"]).ok();
    let older = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("MAILTUI_KNOWS_NOT", "v1.SearchSaved,v1.SearchRemoved");
        run(command).ok()
    };
    let none = older(&["search", "--saved", "--json"]);
    assert!(none.stdout.is_empty(), "{none:?}");
    older(&["archive", &home.thread("tools")]);
    older(&["doctor"]);
    assert_eq!(saved(&home), ["Red=red"]);
    home.assert_healthy("the upgrade");
}
