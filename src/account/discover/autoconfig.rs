//! The file in which a domain or a list says where its servers are: Mozilla's `config-v1.1.xml`.
//!
//! Invariant: what cannot be read says nothing. Of what it says only what is safe is taken: servers
//! with TLS or STARTTLS, and logins of one line.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Address, Auth, Given, Protocol, Security, Server, Source};

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 64 * 1024;
/// The most elements and texts of one.
const MAX_NODES: u32 = 4096;

/// A server as the file names it.
struct Named {
    server: Server,
    login: String,
    auth: Auth,
}

/// Reads a file.
pub(super) fn read(bytes: &[u8], source: Source, address: &Address) -> Option<Given> {
    let text = std::str::from_utf8(bytes.get(..MAX_BYTES.min(bytes.len()))?).ok()?;
    let text = text.trim_start_matches('\u{feff}');
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    let provider = root.children().find(|node| node.has_tag_name("emailProvider"))?;
    let servers = |tag: &'static str, kind: &'static str, protocol: Protocol| {
        let nodes = provider
            .children()
            .filter(move |node| node.has_tag_name(tag) && node.attribute("type") == Some(kind));
        let mut named: Vec<Named> =
            nodes.filter_map(|node| server(node, protocol, address)).collect();
        // In the file's order; but what a password is enough for comes first.
        named.sort_by_key(|named| named.auth == Auth::XOAuth2);
        named.into_iter().next()
    };
    let imap = servers("incomingServer", "imap", Protocol::Imap)?;
    let smtp = servers("outgoingServer", "smtp", Protocol::Smtp);
    Some(Given {
        source,
        order: 0,
        imap: Some(imap.server),
        smtp: smtp.map(|named| named.server),
        login: Some(imap.login),
        auth: imap.auth,
    })
}

fn server(node: Node<'_, '_>, protocol: Protocol, address: &Address) -> Option<Named> {
    let text = |tag: &str| {
        let child = node.children().find(|child| child.has_tag_name(tag))?;
        child.text().map(|text| fill(text.trim(), address))
    };
    let scheme = match text("socketType")?.as_str() {
        "SSL" => "s",
        "STARTTLS" => "",
        _ => return None,
    };
    let port: u16 = text("port")?.parse().ok()?;
    let url = format!("{}{scheme}://{}:{port}", protocol.scheme(), text("hostname")?);
    let server = Server::parse(&url, protocol).ok()?;
    debug_assert_ne!(server.security, Security::Plain);
    let ways = node.children().filter(|child| child.has_tag_name("authentication"));
    let ways: Vec<&str> = ways.filter_map(|way| way.text().map(str::trim)).collect();
    let password = |way: &str| way.starts_with("password-") || matches!(way, "plain" | "secure");
    let auth = if ways.is_empty() || ways.iter().any(|way| password(way)) {
        Auth::Password
    } else if ways.contains(&"OAuth2") {
        Auth::XOAuth2
    } else {
        return None;
    };
    let login = text("username").unwrap_or_else(|| address.as_str().to_owned());
    (!login.is_empty() && !login.contains(char::is_control)).then_some(Named {
        server,
        login,
        auth,
    })
}

/// What stands in a file for parts of the address.
fn fill(text: &str, address: &Address) -> String {
    text.replace("%EMAILADDRESS%", address.as_str())
        .replace("%EMAILLOCALPART%", address.local())
        .replace("%EMAILDOMAIN%", address.domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.org">
    <domain>example.org</domain>
    <incomingServer type="pop3"><hostname>pop.example.org</hostname><port>995</port>
      <socketType>SSL</socketType></incomingServer>
    <incomingServer type="imap"><hostname>clear.example.org</hostname><port>143</port>
      <socketType>plain</socketType><username>%EMAILADDRESS%</username></incomingServer>
    <incomingServer type="imap"><hostname>oauth.example.org</hostname><port>993</port>
      <socketType>SSL</socketType><authentication>OAuth2</authentication></incomingServer>
    <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port>
      <socketType>SSL</socketType><username>%EMAILLOCALPART%</username>
      <authentication>OAuth2</authentication>
      <authentication>password-cleartext</authentication></incomingServer>
    <outgoingServer type="smtp"><hostname>smtp.example.org</hostname><port>587</port>
      <socketType>STARTTLS</socketType></outgoingServer>
  </emailProvider>
</clientConfig>"#;

    fn ann() -> Address {
        Address::parse("ann@example.org").unwrap()
    }

    fn parse(text: &str) -> Option<Given> {
        read(text.as_bytes(), Source::Ispdb, &ann())
    }

    #[test]
    fn the_best_safe_servers_are_taken() {
        let given = parse(FILE).unwrap();
        assert_eq!(given.imap, Some(Server::new("imap.example.org", 993, Security::Tls)));
        assert_eq!(given.smtp, Some(Server::new("smtp.example.org", 587, Security::StartTls)));
        assert_eq!((given.login.as_deref(), given.auth), (Some("ann"), Auth::Password));
        let oauth = FILE.replace("<authentication>password-cleartext</authentication>", "");
        let given = parse(&oauth).unwrap();
        assert_eq!(given.imap.map(|s| s.host).as_deref(), Some("oauth.example.org"));
        assert_eq!(given.auth, Auth::XOAuth2);
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for text in ["", "<", "<html><body>404</body></html>", "<clientConfig/>"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(
            parse(&FILE.replace("imap.%EMAILDOMAIN%", "a b").replace("oauth.", "-\u{1}")),
            None
        );
        assert_eq!(parse(&FILE.replace(">993<", ">0<")), None);
        assert_eq!(parse(&FILE.replace("type=\"imap\"", "type=\"pop3\"")), None);
        assert_eq!(read(b"\xff\xfe", Source::Ispdb, &ann()), None);
        let bomb = "<!DOCTYPE x [<!ENTITY a \"&b;&b;\"><!ENTITY b \"y\">]>\
                    <clientConfig>&a;</clientConfig>";
        assert_eq!(parse(bomb), None);
        let deep = "<a>".repeat(20_000);
        assert_eq!(parse(&deep), None);
    }
}
