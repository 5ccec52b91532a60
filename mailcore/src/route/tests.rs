use super::*;
use async_trait::async_trait;
use mailcore_base::address::Repertoire;
use mailcore_store::table::Shape;
use mailcore_store::{Error, Kind};

#[derive(Debug)]
struct People(&'static [&'static str]);

#[async_trait]
impl Users for People {
    async fn user(&self, login: &Login) -> Result<Option<User>> {
        match login.name.as_str() {
            "away@a.test" => Err(Error::new(Kind::Unavailable, "directory")),
            name => Ok(self.0.contains(&name).then(|| User::new(name))),
        }
    }
}

#[derive(Debug)]
struct Lines(&'static [(&'static str, &'static str)]);

#[async_trait]
impl Table for Lines {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(self
            .0
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, v)| (*v).to_owned()))
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

fn routes() -> Routes {
    let domain = |name| Domain::parse(name, Repertoire::Ascii).unwrap();
    Routes::new(
        domain("a.test"),
        [domain("b.test")],
        Arc::new(People(&[
            "alice@a.test",
            "bob@a.test",
            "bob@b.test",
            "carla@a.test",
            "x+y@a.test",
        ])),
    )
    .with_aliases(Arc::new(Lines(&[
        ("root", "postmaster, bob"),
        ("postmaster", "alice"),
        ("alice@b.test", "alice@a.test"),
        ("round", "about"),
        ("about", "round"),
        ("bob@b.test", "bob@b.test, alice"),
        ("gone", "nobody"),
        ("out", "friend@elsewhere.test"),
        ("friend", "alice"),
        ("@elsewhere.test", "alice"),
        ("carla", "carla, friend@elsewhere.test"),
        (
            "staff",
            "out, left, carla, FRIEND@elsewhere.TEST, Bob, bob+x",
        ),
        ("crowd", "away"),
    ])))
}

fn told(target: &Target) -> String {
    match target {
        Target::Here(_, user) => user.name.clone(),
        Target::Elsewhere(address) => format!("→{address}"),
        Target::Nobody(address) => format!("?{address}"),
    }
}

fn path(text: &str) -> ForwardPath {
    ForwardPath::parse_prefix(text, Repertoire::Ascii)
        .unwrap()
        .0
}

async fn names(recipient: &str) -> std::result::Result<Vec<String>, Kind> {
    match routes()
        .resolve(&path(recipient))
        .await
        .map_err(|e| e.kind())?
    {
        Destination::Targets(targets) => Ok(targets.iter().map(told).collect()),
        Destination::Unknown(why) => Ok(vec![why.to_string()]),
        Destination::Elsewhere => Ok(vec!["elsewhere".into()]),
    }
}

async fn hop(routes: Routes, address: &str) -> String {
    let address = address.parse().unwrap();
    let next = routes.next_hop(&address).await.unwrap();
    format!("{}:{}", next.transport, next.nexthop)
}

#[tokio::test]
async fn a_recipient_leads_to_its_users_each_once() {
    assert_eq!(names("<ALICE@A.test>").await.unwrap(), ["alice@a.test"]);
    assert_eq!(
        names("<alice+lists@a.test>").await.unwrap(),
        ["alice@a.test"]
    );
    assert_eq!(names("<x+y@a.test>").await.unwrap(), ["x+y@a.test"]);
    assert_eq!(names("root").await.unwrap(), ["alice@a.test", "bob@a.test"]);
    assert_eq!(names("<alice@b.test>").await.unwrap(), ["alice@a.test"]);
    assert_eq!(
        names("<bob@b.test>").await.unwrap(),
        ["bob@b.test", "alice@a.test"]
    );
}

#[tokio::test]
async fn nobody_and_elsewhere_are_told_apart() {
    let nobody = "neither a user nor an alias";
    assert_eq!(names("<carol@a.test>").await.unwrap(), [nobody]);
    let lost = "an alias that leads to no user: nobody@a.test";
    assert_eq!(names("<gone@a.test>").await.unwrap(), [lost]);
    let circle = "an alias that runs in a circle, through round@a.test";
    assert_eq!(names("<round@a.test>").await.unwrap(), [circle]);
    assert_eq!(names("<alice@c.test>").await.unwrap(), ["elsewhere"]);
    assert_eq!(names("<alice@[127.0.0.1]>").await.unwrap(), ["elsewhere"]);
}

#[tokio::test]
async fn what_cannot_be_told_now_is_deferred_and_never_unknown() {
    assert_eq!(names("<away@a.test>").await, Err(Kind::Unavailable));
    assert_eq!(names("<crowd@a.test>").await, Err(Kind::Unavailable));
}

#[tokio::test]
async fn aliases_lead_to_other_servers_and_no_further() {
    let out = "→friend@elsewhere.test";
    assert_eq!(names("<out@a.test>").await.unwrap(), [out]);
    assert_eq!(
        names("<carla@b.test>").await.unwrap(),
        ["carla@a.test", out]
    );
    assert_eq!(
        names("<carla@a.test>").await.unwrap(),
        ["carla@a.test", out]
    );
}

#[tokio::test]
async fn an_address_is_named_once_and_a_member_who_left_is_not_forgotten() {
    let staff = [
        "bob@a.test",
        "→FRIEND@elsewhere.TEST",
        "?left@a.test",
        "carla@a.test",
        "bob@a.test",
    ];
    let mut names = names("<staff@a.test>").await.unwrap();
    names.sort();
    let mut expected = staff.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_domain_with_a_transport_of_its_own_goes_that_way_whoever_it_belongs_to() {
    let domain = |name: &str| Domain::parse(name, Repertoire::Ascii).unwrap();
    let discard = Next::new(TransportName::DISCARD, "");
    let routes = routes()
        .relay_all_to("[out.test]:26")
        .with_transports(["B.test", "c.test"].map(|name| (domain(name), discard.clone())));
    assert_eq!(hop(routes.clone(), "x@a.test").await, "virtual:a.test");
    assert_eq!(hop(routes.clone(), "x@b.test").await, "discard:");
    assert_eq!(hop(routes.clone(), "x@C.TEST").await, "discard:");
    let sub = hop(routes, "x@sub.c.test").await;
    assert_eq!(sub, "smtp:[out.test]:26", "another domain");
}

#[tokio::test]
async fn mail_goes_to_mailboxes_to_its_domain_or_to_the_smarthost() {
    assert_eq!(hop(routes(), "x@A.test").await, "virtual:a.test");
    assert_eq!(hop(routes(), "x@C.test").await, "smtp:c.test");
    assert_eq!(hop(routes(), "x@[192.0.2.1]").await, "smtp:[192.0.2.1]");
    let all = routes().relay_all_to("[out.test]:26");
    assert_eq!(hop(all.clone(), "x@c.test").await, "smtp:[out.test]:26");
    assert_eq!(hop(all, "x@b.test").await, "virtual:b.test");
}

#[tokio::test]
async fn a_final_address_is_a_users_without_asking_the_aliases_again() {
    let user = |address: &'static str| async move {
        let address = address.parse().unwrap();
        routes().user(&address).await.unwrap().map(|user| user.name)
    };
    assert_eq!(
        user("carla+x@a.test").await.as_deref(),
        Some("carla@a.test")
    );
    assert_eq!(user("root@a.test").await, None);
    assert_eq!(user("carla@c.test").await, None);
}

#[tokio::test]
async fn mail_for_the_host_itself_is_mail_for_the_first_domain() {
    let at_host = |to: &'static str| async move {
        let host: Domain = "mail.b.test".parse().unwrap();
        let routes = routes().with_hostname(&host);
        match routes.resolve(&path(to)).await.unwrap() {
            Destination::Targets(targets) => targets.iter().map(told).collect::<Vec<_>>(),
            Destination::Unknown(why) => vec![why.to_string()],
            Destination::Elsewhere => vec!["elsewhere".to_owned()],
        }
    };
    for host in [
        "mail.b.test",
        "MAIL.b.test",
        "localhost",
        "localhost.b.test",
    ] {
        let to = |local: &str| -> &'static str { format!("<{local}@{host}>").leak() };
        assert_eq!(at_host(to("postmaster")).await, ["alice@a.test"]);
        assert_eq!(at_host(to("alice+x")).await, ["alice@a.test"]);
        let nobody = "neither a user nor an alias";
        assert_eq!(at_host(to("nobody")).await, [nobody]);
    }
    assert_eq!(
        at_host("<bob@b.test>").await,
        ["bob@b.test", "alice@a.test"]
    );
    assert_eq!(at_host("<x@mail.a.test>").await, ["elsewhere"]);
    // Nobody's name is taken from him: without the host's name it is another server's.
    assert_eq!(
        names("<postmaster@mail.b.test>").await.unwrap(),
        ["elsewhere"]
    );
    let host = "mail.b.test".parse().unwrap();
    let late = "alice@localhost".parse().unwrap();
    let user = routes().with_hostname(&host).user(&late).await.unwrap();
    assert_eq!(user.unwrap().name, "alice@a.test");
}

#[test]
fn lost_addresses_are_named_up_to_a_few() {
    let lost = (1..9).map(|n| format!("x{n}@a.test").parse().unwrap());
    let told = Nowhere::Lost(lost.collect()).to_string();
    let names = "x1@a.test, x2@a.test, x3@a.test, and 5 more";
    assert_eq!(told, format!("an alias that leads to no user: {names}"));
}
