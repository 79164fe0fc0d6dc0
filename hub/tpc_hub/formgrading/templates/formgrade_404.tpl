{%- extends "gradebook_base.tpl" -%}
{%- set base_url = resources.base_url -%}
{%- block head -%}{%- endblock -%}
{%- block body -%}
<ol class="breadcrumb">
  <li><a href="{{ resources.base_url }}/formgrader/gradebook">Manual Grading</a></li>
  <li><a href="{{ resources.base_url }}/formgrader/gradebook/{{ resources.assignment_id }}/{{ resources.notebook_id }}">{{ resources.assignment_id }}</a></li>
</ol>
<p>The graded notebook is not there any more. Grade this work again on the
<a href="{{ class_page }}">class page</a>, then it opens here.</p>
{%- endblock -%}
