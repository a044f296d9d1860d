//! One submission: from a connection to what is known of the message.
//!
//! Invariant: the last dot is sent on its own, behind everything else that was taken by the
//! connection. Until then whatever fails is a refusal, and a stop is one; from the first attempt to
//! send it on nothing can stop the talk, and only an answer of the server decides. An answer
//! belongs to the command before it: when more is there than was asked for, the talk ends before
//! something is taken for the answer to the dot that is none.

use super::body::{self, BLOCK_BYTES, Dots, Needs};
use super::envelope::{Addresses, Envelope};
use super::error::Step;
use super::offers::Offers;
use super::submission::{Acceptance, Doubt, Outcome, Recipient, Refusal, Submission};
use super::{Deadlines, Progress, SmtpError, Watch, Way};
use crate::account::dial::{self, Stream};
use crate::account::smtp_wire::{Login, Reply, Wire};
use crate::account::{Cause, Password, Security, tls};

/// What is to be given to whom, and how long that may take.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// To which server.
    pub way: &'a Way,
    /// What opens it.
    pub password: &'a Password,
    /// From whom and for whom.
    pub envelope: &'a Envelope,
    /// The message, its lines ended by CRLF.
    pub message: &'a [u8],
    /// How long each step may take.
    pub deadlines: &'a Deadlines,
}

/// How many of those whom a server refuses are named.
const MOST_NAMED: usize = 4;

/// Gives a message to a server. Who drops this before it ends knows nothing of the message, as
/// after a crash.
pub async fn submit(delivery: &Delivery<'_>, watch: &mut Watch<'_>) -> Submission {
    let connecting = async {
        let server = &delivery.way.server;
        let tcp = dial::tcp(&server.host, server.port);
        let tcp = tokio::time::timeout(delivery.deadlines.connect, tcp).await;
        let tcp = tcp.unwrap_or(Err(Cause::Slow("connecting")))?;
        // A command is one small packet: it does not wait for the next.
        let _ = tcp.set_nodelay(true);
        let local = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        let stream: Box<dyn Stream> = Box::new(tcp);
        Ok((stream, local))
    };
    run(connecting, delivery, watch).await
}

/// As [`submit()`], on a connection that is there already; `local` says that its other end is on
/// this machine.
pub async fn submit_on(
    stream: Box<dyn Stream>,
    local: bool,
    delivery: &Delivery<'_>,
    watch: &mut Watch<'_>,
) -> Submission {
    run(async { Ok((stream, local)) }, delivery, watch).await
}

/// What was found before anything was sent.
struct Found {
    addresses: Addresses,
    needs: Needs,
}

async fn run(
    connecting: impl Future<Output = Result<(Box<dyn Stream>, bool), Cause>>,
    delivery: &Delivery<'_>,
    watch: &mut Watch<'_>,
) -> Submission {
    let mut recipients = delivery.envelope.recipients();
    let found = match look(delivery) {
        Ok(found) => found,
        Err(error) => return Submission::Refused(Refusal::new(&error, recipients)),
    };
    let Watch { stop, tell } = watch;
    let mut talk = Talk { delivery, found: &found, recipients: &mut recipients, tell: *tell };
    let before = tokio::select! {
        biased;
        () = stop.stopped() => Err(SmtpError::Stopped),
        wire = Box::pin(talk.up_to_the_dot(connecting)) => wire,
    };
    match before {
        Ok(wire) if stop.is_stopped() => {
            drop(wire);
            Submission::Refused(Refusal::new(&SmtpError::Stopped, recipients))
        }
        Ok(wire) => {
            tell(Progress::GivenAway);
            give_away(wire, delivery, recipients).await
        }
        Err(error) => Submission::Refused(Refusal::new(&error, recipients)),
    }
}

fn look(delivery: &Delivery<'_>) -> Result<Found, SmtpError> {
    let addresses = delivery.envelope.look()?;
    let mut needs = body::look(delivery.message)?;
    needs.eight_bit |= delivery.envelope.eight_bit;
    needs.utf8 |= delivery.envelope.smtputf8 || addresses.utf8;
    Ok(Found { addresses, needs })
}

/// Everything before the last dot.
struct Talk<'a> {
    delivery: &'a Delivery<'a>,
    found: &'a Found,
    recipients: &'a mut [Recipient],
    tell: &'a mut (dyn FnMut(Progress) + Send),
}

impl Talk<'_> {
    async fn up_to_the_dot(
        &mut self,
        connecting: impl Future<Output = Result<(Box<dyn Stream>, bool), Cause>>,
    ) -> Result<Wire, SmtpError> {
        (self.tell)(Progress::Connecting);
        let (mut wire, offers) = self.open(connecting).await?;
        (self.tell)(Progress::Addressing);
        let fits = self.fits(&offers);
        let addressed = match fits {
            Ok(()) => self.address(&mut wire, &offers).await,
            Err(error) => Err(error),
        };
        if let Err(error) = addressed {
            wire.leave();
            return Err(error);
        }
        self.send_message(&mut wire).await?;
        Ok(wire)
    }

    /// A safe connection, signed in.
    async fn open(
        &mut self,
        connecting: impl Future<Output = Result<(Box<dyn Stream>, bool), Cause>>,
    ) -> Result<(Wire, Offers), SmtpError> {
        let Delivery { way, password, deadlines, .. } = *self.delivery;
        let plain = way.server.security == Security::Plain;
        let config = if plain { None } else { Some(tls::client(way.ca.as_deref())?) };
        let tell = &mut self.tell;
        let opened = async {
            let (stream, local) = connecting.await?;
            tell(Progress::SigningIn);
            let patience = deadlines.patience();
            let (mut wire, lines) =
                Wire::open(stream, local, &way.server, config.as_ref(), patience).await?;
            let offers = Offers::of(&lines);
            // A server on this machine that knows no login knows its users by their being here.
            if offers.login || !plain {
                let login = Login { name: &way.login, auth: way.auth, password };
                wire.log_in(&lines, &login).await?;
            }
            Ok((wire, offers))
        };
        opened.await.map_err(|cause| way.failed(cause))
    }

    /// Whether the server can take the message as it is.
    fn fits(&self, offers: &Offers) -> Result<(), SmtpError> {
        let server = || self.delivery.way.server.authority();
        let needs = &self.found.needs;
        if needs.utf8 && !offers.utf8 {
            return Err(SmtpError::NoUtf8(server()));
        }
        if needs.eight_bit && !offers.eight_bit {
            return Err(SmtpError::NoEightBit(server()));
        }
        let size = u64::try_from(needs.size).unwrap_or(u64::MAX);
        match offers.most {
            Some(most) if size > most => Err(SmtpError::TooLarge { server: server(), size, most }),
            _ => Ok(()),
        }
    }

    /// MAIL, RCPT for each, DATA.
    async fn address(&mut self, wire: &mut Wire, offers: &Offers) -> Result<(), SmtpError> {
        let mail = self.mail(offers);
        let reply = self.ask(wire, "MAIL", &mail).await?;
        if !is_yes(&reply) {
            // MAIL says its size: what is too large is refused there (RFC 1870, 6.1).
            let step = if reply.code == 552 { Step::Message } else { Step::Sender };
            return Err(self.said(wire, step, &reply));
        }
        let found = self.found;
        for (n, address) in found.addresses.to.iter().enumerate() {
            let reply = self.ask(wire, "RCPT", &format!("RCPT TO:<{address}>\r\n")).await?;
            let words = wire.words(&reply);
            let outcome = match reply.code {
                200..=299 => Outcome::Taken { words },
                // It ends the connection (RFC 5321, 3.8).
                421 => return Err(self.said(wire, Step::Recipient, &reply)),
                400..=599 => Outcome::Refused { permanent: reply.code >= 500, words },
                _ => return Err(self.said(wire, Step::Recipient, &reply)),
            };
            if let Some(recipient) = self.recipients.get_mut(n) {
                recipient.outcome = outcome;
            }
        }
        if let Some(error) = self.refused() {
            // It ends here; that the server forgets what it was told is only politeness.
            let _ = self.ask(wire, "RSET", "RSET\r\n").await;
            return Err(error);
        }
        let reply = self.ask(wire, "DATA", "DATA\r\n").await?;
        if reply.code == 354 { Ok(()) } else { Err(self.said(wire, Step::Data, &reply)) }
    }

    fn mail(&self, offers: &Offers) -> String {
        use std::fmt::Write as _;
        let (addresses, needs) = (&self.found.addresses, &self.found.needs);
        let mut mail = format!("MAIL FROM:<{}>", addresses.from);
        if offers.size {
            let _ = write!(mail, " SIZE={}", needs.size);
        }
        if needs.eight_bit {
            mail.push_str(" BODY=8BITMIME");
        }
        if needs.utf8 {
            mail.push_str(" SMTPUTF8");
        }
        mail.push_str("\r\n");
        mail
    }

    /// Why nobody gets it, by what was said to the recipients.
    fn refused(&self) -> Option<SmtpError> {
        let refused = self.recipients.iter().filter_map(|one| match &one.outcome {
            Outcome::Refused { permanent, words } => Some((*permanent, &one.address, words)),
            _ => None,
        });
        let mut refused: Vec<_> = refused.collect();
        let taken = self.recipients.iter().filter(|one| one.outcome.is_taken()).count();
        if self.delivery.envelope.partial && taken > 0 {
            return None;
        }
        // Who is refused for good has to be corrected: those are named first.
        refused.sort_by_key(|(permanent, ..)| !permanent);
        let permanent = refused.first()?.0;
        let named = refused.iter().take(MOST_NAMED);
        let mut words: Vec<_> = named.map(|(_, who, words)| format!("{who}: {words}")).collect();
        if refused.len() > words.len() {
            words.push(format!("{} more", refused.len() - words.len()));
        }
        Some(SmtpError::Recipients {
            server: self.delivery.way.server.authority(),
            refused: self.recipients.len() - taken,
            count: self.recipients.len(),
            words: words.join(", "),
            permanent,
        })
    }

    /// The message but its last dot: all of it is taken by the connection.
    async fn send_message(&mut self, wire: &mut Wire) -> Result<(), SmtpError> {
        let Delivery { message, deadlines, .. } = *self.delivery;
        let (mut dots, mut sent) = (Dots::new(), 0);
        let end: &[u8] = if self.found.needs.open { b"\r\n" } else { b"" };
        // The last, empty or not, also sees what came while the one before it was taken.
        for block in message.chunks(BLOCK_BYTES).chain([end]) {
            let block_on_wire = dots.stuff(block);
            let sending = wire.send_unless_answered(&block_on_wire, deadlines.block);
            if !sending.await.map_err(|cause| self.failed(cause))? {
                return Err(self.interrupted(wire).await);
            }
            sent += block.len();
            (self.tell)(Progress::Sending { sent, total: self.found.needs.size });
        }
        Ok(())
    }

    /// The server spoke before its turn: it had enough, or it is out of step.
    async fn interrupted(&mut self, wire: &mut Wire) -> SmtpError {
        match wire.reply("message", self.delivery.deadlines.command).await {
            Ok(reply) => self.said(wire, Step::Message, &reply),
            Err(cause) => self.failed(cause),
        }
    }

    /// Asks, unless something came that nobody asked for, and gives the answer.
    async fn ask(
        &mut self,
        wire: &mut Wire,
        what: &'static str,
        line: &str,
    ) -> Result<Reply, SmtpError> {
        let limit = self.delivery.deadlines.envelope;
        match wire.send_unless_answered(line.as_bytes(), limit).await {
            Ok(true) => {}
            Ok(false) => return Err(self.interrupted(wire).await),
            Err(cause) => return Err(self.failed(cause)),
        }
        let reply = wire.reply(what, limit).await.map_err(|cause| self.failed(cause))?;
        if reply.mixed {
            return Err(self.failed(Cause::Strange(wire.words(&reply))));
        }
        Ok(reply)
    }

    fn failed(&self, cause: Cause) -> SmtpError {
        self.delivery.way.failed(cause)
    }

    /// A no of the server; what is neither yes nor no is none of a mail server.
    fn said(&self, wire: &Wire, step: Step, reply: &Reply) -> SmtpError {
        let words = wire.words(reply);
        if !is_no(reply) {
            return self.failed(Cause::Strange(words));
        }
        let server = self.delivery.way.server.authority();
        SmtpError::Said { server, step, code: reply.code, words }
    }
}

/// Sends the last dot and hears what becomes of the message.
async fn give_away(
    mut wire: Wire,
    delivery: &Delivery<'_>,
    recipients: Vec<Recipient>,
) -> Submission {
    let Delivery { way, deadlines, .. } = *delivery;
    let server = way.server.authority();
    let sent = wire.send_last(b".\r\n", deadlines.block).await;
    let heard = wire.reply("the message was given away", deadlines.answer).await;
    let doubt =
        |cause: &Cause, recipients| Submission::Unknown(Doubt::new(&server, cause, recipients));
    match (sent, heard) {
        (_, Ok(reply)) if is_no(&reply) && !reply.mixed => {
            let words = wire.words(&reply);
            wire.leave();
            let error = SmtpError::Said { server, step: Step::Message, code: reply.code, words };
            Submission::Refused(Refusal::new(&error, recipients))
        }
        (Ok(()), Ok(reply)) if is_yes(&reply) && !reply.mixed => {
            let answer = wire.words(&reply);
            wire.leave();
            Submission::Accepted(Acceptance { recipients, answer })
        }
        (Ok(()), Ok(reply)) => doubt(&Cause::Strange(wire.words(&reply)), recipients),
        (Err(cause), _) | (Ok(()), Err(cause)) => doubt(&cause, recipients),
    }
}

const fn is_yes(reply: &Reply) -> bool {
    matches!(reply.code, 200..=299)
}

const fn is_no(reply: &Reply) -> bool {
    matches!(reply.code, 400..=599)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The backend gives it to another thread; this fails to compile otherwise.
    #[test]
    fn a_submission_can_be_sent_to_another_thread() {
        fn check<T: Send>(_: fn(&'static Delivery<'static>, &'static mut Watch<'static>) -> T) {}
        fn of<'a>(
            delivery: &'a Delivery<'a>,
            watch: &'a mut Watch<'a>,
        ) -> impl Future<Output = Submission> + Send + 'a {
            submit(delivery, watch)
        }
        check(of);
    }
}
