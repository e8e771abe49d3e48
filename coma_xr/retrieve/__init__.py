"""From measurement trees to tables, frames and Datasets: trees → columns → what users work with."""
