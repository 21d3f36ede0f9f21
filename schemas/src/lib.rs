//! The published language of billfold: ids, money, commands, events, rejections, queries, views.
