//! `invoices.list`: by document date, then in the order of the log.

use schemas::Date;
use schemas::ids::CustomerId;
use schemas::query::{DateOrder, InvoicesList, StatusFilter};
use schemas::view::{InvoiceStatus, InvoiceSummary};

use super::super::rows::{
    CUSTOMER_CHUNKS, CUSTOMERS, DAY_CHUNKS, DAYS, DayRow, InvoiceRow, PAGES, Page,
};
use super::documents::summary_of;
use crate::answer::{days, list_limit, request, there, today};
use crate::page::{Filling, Question};
use crate::places::page_of;
use crate::projection::{QueryError, View};
use crate::store::{Direction, StoreError};

/// One page looks at no more invoices than this; it then ends early, with a cursor.
const MOST_LOOKED_AT: u32 = 20_000;

/// Where an invoice stands in the order: document date and place.
type Key = (Date, u64);

pub(super) fn list(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let mut asked: InvoicesList = request(body)?;
    let limit = list_limit(asked.limit.take())?;
    let after = asked.after.take();
    let question = Question::new("invoices.list", &asked);
    let (from, to) = days(asked.from, asked.to)?;
    let mut listing = Listing {
        view,
        after: question.read(view, after.as_deref())?,
        order: asked.order.unwrap_or(DateOrder::NewestFirst),
        status: asked.status,
        today: asked.as_of.unwrap_or_else(|| today(view)),
        from,
        to,
        page: Filling::new(limit),
        looked_at: 0,
        cached: None,
    };
    match asked.customer {
        Some(customer) => listing.of_customer(customer)?,
        None => listing.of_all()?,
    }
    listing.page.finish(view, question)
}

struct Listing<'a> {
    view: &'a View<'a>,
    after: Option<Key>,
    order: DateOrder,
    status: Option<StatusFilter>,
    today: Date,
    from: Date,
    to: Date,
    page: Filling<InvoiceSummary, Key>,
    looked_at: u32,
    /// The page of invoices that was read last: neighbours in a list often lie together.
    cached: Option<(u64, Page)>,
}

impl Listing<'_> {
    fn of_customer(&mut self, customer: CustomerId) -> Result<(), QueryError> {
        let store = self.view.store;
        let Some(row) = CUSTOMERS.read(store, customer)? else { return Ok(()) };
        let mut keys: Vec<Key> = Vec::new();
        for number in 0..row.invoices.chunks() {
            let chunk = CUSTOMER_CHUNKS.read(store, (customer, number))?;
            let chunk = there(chunk, "a chunk of a customer's invoices")?;
            keys.extend(chunk.iter().map(|placed| (placed.document_date, placed.place)));
        }
        let tail = row.invoices.items().iter();
        keys.extend(tail.map(|placed| (placed.document_date, placed.place)));
        keys.retain(|(date, _)| (self.from..=self.to).contains(date));
        keys.sort_unstable();
        self.offer_all(keys)?;
        Ok(())
    }

    fn of_all(&mut self) -> Result<(), QueryError> {
        let (mut from, mut to) = (self.from, self.to);
        let direction = match self.order {
            DateOrder::OldestFirst => {
                from = self.after.map_or(from, |(date, _)| from.max(date));
                Direction::Forward
            }
            DateOrder::NewestFirst => {
                to = self.after.map_or(to, |(date, _)| to.min(date));
                Direction::Backward
            }
        };
        let end = to.plus_days(1).ok();
        let (view, mut failed) = (self.view, Ok(()));
        DAYS.scan(view.store, (from, end), direction, |day| match self.of_day(&day) {
            Ok(more) => more,
            Err(error) => {
                failed = Err(error);
                false
            }
        })?;
        failed
    }

    /// Offers the invoices of one day; whether the page takes more.
    fn of_day(&mut self, day: &DayRow) -> Result<bool, QueryError> {
        if !day.figures.iter().any(|figures| self.may_hold(figures.status)) {
            return Ok(true);
        }
        let mut keys = Vec::new();
        for number in 0..day.places.chunks() {
            let chunk = DAY_CHUNKS.read(self.view.store, (day.date, number))?;
            let chunk = there(chunk, "a chunk of a day's invoices")?;
            keys.extend(chunk.into_iter().map(|place| (day.date, place)));
        }
        keys.extend(day.places.items().iter().map(|place| (day.date, *place)));
        self.offer_all(keys)
    }

    /// Offers invoices, given in ascending order; whether the page takes more.
    fn offer_all(&mut self, mut keys: Vec<Key>) -> Result<bool, QueryError> {
        match self.order {
            DateOrder::OldestFirst => keys.retain(|key| self.after.is_none_or(|at| *key > at)),
            DateOrder::NewestFirst => {
                keys.retain(|key| self.after.is_none_or(|at| *key < at));
                keys.reverse();
            }
        }
        for key in keys {
            if self.looked_at >= MOST_LOOKED_AT {
                return Ok(false);
            }
            self.looked_at += 1;
            let (today, status) = (self.today, self.status);
            let row = self.row(key.1)?;
            if !status.is_none_or(|status| holds(status, row, today)) {
                if self.looked_at == MOST_LOOKED_AT {
                    self.page.end_at(key);
                }
                continue;
            }
            let summary = summary_of(row, today)?;
            if !self.page.offer(key, summary) {
                return Ok(false);
            }
            if self.looked_at == MOST_LOOKED_AT {
                self.page.end_at(key);
            }
        }
        Ok(true)
    }

    fn row(&mut self, place: u64) -> Result<&InvoiceRow, StoreError> {
        let (number, slot) = page_of(place);
        let page = match self.cached.take() {
            Some((cached, page)) if cached == number => page,
            Some(_) | None => there(PAGES.read(self.view.store, number)?, "a page of invoices")?,
        };
        let (_, page) = self.cached.insert((number, page));
        there(page.invoices.get(slot), "an invoice on its page")
    }

    fn may_hold(&self, status: InvoiceStatus) -> bool {
        let open = matches!(status, InvoiceStatus::Open | InvoiceStatus::PartiallyPaid);
        match self.status {
            None => true,
            Some(StatusFilter::Open) => status == InvoiceStatus::Open,
            Some(StatusFilter::PartiallyPaid) => status == InvoiceStatus::PartiallyPaid,
            Some(StatusFilter::Unpaid | StatusFilter::Overdue) => open,
            Some(StatusFilter::Paid) => status == InvoiceStatus::Paid,
            Some(StatusFilter::Voided) => status == InvoiceStatus::Voided,
        }
    }
}

fn holds(filter: StatusFilter, row: &InvoiceRow, today: Date) -> bool {
    match filter {
        StatusFilter::Open => row.status() == InvoiceStatus::Open,
        StatusFilter::PartiallyPaid => row.status() == InvoiceStatus::PartiallyPaid,
        StatusFilter::Unpaid => row.balance_due() > 0,
        StatusFilter::Overdue => row.is_overdue(today),
        StatusFilter::Paid => row.status() == InvoiceStatus::Paid,
        StatusFilter::Voided => row.status() == InvoiceStatus::Voided,
    }
}
